/**
 * Completed outcomes that this process has seen lately. A completed outcome never changes until it expires or is
 * erased, so a replay from here needs no round trip. Bounded in bytes; the least recently used go first.
 */

import type { Completed } from './record.ts'

/** Roughly what the record and its place in the map weigh besides its strings and bytes. */
const overheadBytes = 512

export class ReplayCache {
  readonly #limitBytes: number
  readonly #ttlMs: number
  readonly #entries = new Map<string, { record: Completed; weight: number; untilMs: number }>()
  #bytes = 0

  /** `ttlMs` bounds how long an outcome that another process has erased may still be replayed from here. */
  constructor(limitBytes: number, ttlMs: number) {
    this.#limitBytes = limitBytes
    this.#ttlMs = ttlMs
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The outcome of an id, unless its retention is over by the wall clock, or its time in the cache by the other one. */
  get(id: string, nowMs: number, monotonicMs: number): Completed | undefined {
    const entry = this.#entries.get(id)
    if (entry === undefined) return undefined
    if (nowMs >= entry.record.retainUntilMs || monotonicMs >= entry.untilMs) {
      this.delete(id)
      return undefined
    }
    // A Map keeps insertion order: to delete and set is to move to the young end.
    this.#entries.delete(id)
    this.#entries.set(id, entry)
    return entry.record
  }

  /** `askedMs`: a monotonic time before the store said that the record is completed. */
  put(record: Completed, askedMs: number): void {
    const weight = weigh(record)
    // One large outcome must not push out everything else.
    if (weight > this.#limitBytes / 8) return
    this.delete(record.id)
    // The wall clock of this process may lag behind the store's, and then it does not notice the end of retention. Even so
    // no entry outlives the tombstone, after which the key may name another operation.
    const untilMs = askedMs + Math.min(this.#ttlMs, record.forgetAtMs - record.retainUntilMs)
    this.#entries.set(record.id, { record, weight, untilMs })
    this.#bytes += weight
    for (const id of this.#entries.keys()) {
      if (this.#bytes <= this.#limitBytes) break
      this.delete(id)
    }
  }

  delete(id: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    this.#entries.delete(id)
    this.#bytes -= entry.weight
  }
}

function weigh(record: Completed): number {
  let bytes = overheadBytes + 2 * (record.fingerprint.length + record.name.length)
  for (const [name, value] of record.outcome.headers) bytes += 2 * (name.length + value.length)
  return bytes + (record.outcome.body?.byteLength ?? 0)
}
