/** What the checker has learnt of each operation so far. */

import type { Effect, HistoryTerms, Invoke, Law, RecordFacts, Violation } from './history.ts'

/** An outcome as the store recorded it. */
export interface Recorded {
  readonly outcome: string
  readonly success: boolean
  readonly fingerprint: string
  /** The store's time: from here on it is retained. */
  readonly storeMs: number
  readonly index: number
  /** By an operator, and not by the attempt. */
  readonly resolved: boolean
}

/**
 * One life of a key: from its first claim until the store may have forgotten it. Most keys have one; a key that is used
 * again after its tombstone has ended begins another.
 */
export class Life {
  readonly beganAt: number
  endedAt: number = Number.POSITIVE_INFINITY
  /** The fingerprint that the key is bound to, and since when. */
  fingerprint: string | undefined
  boundAt: number = Number.POSITIVE_INFINITY
  recorded: Recorded | undefined
  /** The store's time of the last release. */
  releasedAtMs: number | undefined
  erasedAt: number | undefined
  readonly effects: { readonly event: Effect; readonly index: number }[] = []
  /** When a caller first held the outcome in its hands. */
  toldAt: number = Number.POSITIVE_INFINITY
  toldIndex = -1

  constructor(beganAt: number) {
    this.beganAt = beganAt
  }
}

/** Whether the store, at a time of its own, may have forgotten the key: nothing of this life binds it any more. */
export function mayBeForgotten(life: Life, terms: HistoryTerms, storeMs: number): boolean {
  const began = life.recorded?.storeMs ?? life.releasedAtMs
  return began !== undefined && storeMs >= began + terms.retentionMs + terms.tombstoneMs
}

export class Known {
  readonly operation: string
  life: Life = new Life(Number.NEGATIVE_INFINITY)
  /** Lives that have ended: an answer that was under way may still be of the one before. */
  readonly past: Life[] = []
  /** The record as the store's log last showed it. */
  record: RecordFacts | undefined
  topFence = 0
  /** The lives in which claims were granted, by attempt and fence; and the attempts whose "effect began" is recorded. */
  readonly #granted: Map<string, Life> = new Map()
  readonly #holders: Set<string> = new Set()
  readonly begun: Set<string> = new Set()
  /** What handlers said were outcomes. */
  readonly said: Set<string> = new Set()
  /** Arrivals that were answered that nothing had happened by them, and where. */
  readonly toldNone: Map<number, number> = new Map()
  unreadable = false
  /** The store lost acknowledged writes of this operation, so nothing is promised for it any more. */
  lost = false
  /** When the store last acknowledged anything about it. */
  lastWriteAt: number = Number.NEGATIVE_INFINITY
  /** One report per law is enough: what follows is mostly the same thing again. */
  readonly reported: Set<Law> = new Set()

  constructor(operation: string) {
    this.operation = operation
  }

  grant(attempt: string, fence: number): void {
    this.#granted.set(`${attempt} ${fence}`, this.life)
    this.#holders.add(attempt)
  }

  /** The life of a claim; none where it was never granted. */
  lifeOf(attempt: string, fence: number): Life | undefined {
    return this.#granted.get(`${attempt} ${fence}`)
  }

  /** Whether an attempt was ever granted a claim, under any fence. */
  hasGranted(attempt: string): boolean {
    return this.#holders.has(attempt)
  }

  /** The store may have forgotten the key: what comes is a new life. */
  endLife(at: number): void {
    this.life.endedAt = at
    this.past.push(this.life)
    this.life = new Life(at)
    this.record = undefined
    this.begun.clear()
  }
}

/** Everything that the laws share while one history is read. */
export class Reading {
  readonly terms: HistoryTerms
  readonly operations: Map<string, Known> = new Map()
  readonly requests: Map<number, Invoke> = new Map()
  readonly revokedAt: Map<string, number> = new Map()
  readonly violations: Violation[] = []
  /** What the store's clock shows beyond the run's own time, as it last told. */
  storeOffsetMs: number | undefined
  storeWentBack = false
  storeClockSet = false
  #storeTopMs = Number.NEGATIVE_INFINITY
  healedAt: number = Number.POSITIVE_INFINITY

  constructor(terms: HistoryTerms) {
    this.terms = terms
  }

  of(operation: string): Known {
    let known = this.operations.get(operation)
    if (known === undefined) {
      known = new Known(operation)
      this.operations.set(operation, known)
    }
    return known
  }

  /** Learns the store's time from an event that shows it. */
  learnStoreTime(t: number, storeMs: number): void {
    const offset = storeMs - t
    if (this.storeOffsetMs !== undefined) {
      // Not exactly equal, because the difference of two large numbers is not exact.
      if (offset < this.storeOffsetMs - 0.001) this.storeWentBack = true
      this.#reach(t + this.storeOffsetMs)
    }
    this.storeOffsetMs = offset
    this.#reach(storeMs)
  }

  /** The furthest that the store's clock has ever shown, at `t`. */
  storeTopMsAt(t: number): number {
    return Math.max(this.#storeTopMs, this.storeMsAt(t))
  }

  #reach(storeMs: number): void {
    if (storeMs > this.#storeTopMs) this.#storeTopMs = storeMs
  }

  /** The store's time at `t`, by the offset that it last showed. */
  storeMsAt(t: number): number {
    return t + (this.storeOffsetMs ?? 0)
  }

  report(law: Law, known: Known, story: string, ...events: readonly number[]): void {
    if (known.lost || known.reported.has(law)) return
    known.reported.add(law)
    this.violations.push({ law, operation: known.operation, story, events })
  }
}
