/**
 * A system outside, where guarded and resumable effects happen. It keeps the ledger that is believed: an effect is
 * counted when this system has carried it out, whatever its caller came to know of that.
 */

import { ask, type Far } from './link.ts'
import type { Process } from './process.ts'
import type { World } from './world.ts'

/** A call that has no answer. `refused` says that it never arrived, and never will. */
export class NoAnswer extends Error {
  readonly why: 'refused' | 'timed-out'

  constructor(why: 'refused' | 'timed-out') {
    super(`The foreign system did not answer (${why}).`)
    this.why = why
  }
}

/** In whose name an effect is made. */
export interface Caller {
  readonly attempt: string
  readonly fence: number
}

export class Foreign implements Far {
  readonly paused = false
  readonly down = false
  readonly #world: World
  /** What was carried out for whom: by key. */
  readonly #receipts: Map<string, string> = new Map()
  /** Attempts whose call was carried out, and whose call may still arrive. */
  readonly #carriedOut: Set<string> = new Set()
  readonly #underWay: Set<string> = new Set()

  constructor(world: World) {
    this.#world = world
  }

  unreachableFrom(): boolean {
    return false
  }

  hold(arrival: () => void): void {
    arrival()
  }

  /** An effect that can't be deduplicated: each arrival of the call is one. */
  charge(process: Process, operation: string, arrival: number, by: Caller): Promise<string> {
    return this.#call(process, by.attempt, false, () => this.#carryOut(operation, arrival, by))
  }

  /** An effect under a key: the second arrival of a key is answered as the first was. */
  chargeOnce(process: Process, key: string, operation: string, arrival: number, by: Caller): Promise<string> {
    return this.#call(process, by.attempt, true, () => {
      const receipt = this.#receipts.get(key)
      if (receipt !== undefined) {
        this.#world.count('a call downstream was deduplicated')
        return receipt
      }
      const made = this.#carryOut(operation, arrival, by)
      this.#receipts.set(key, made)
      return made
    })
  }

  /** Whether the call of an attempt was carried out. False is the last word only if it may not happen any more. */
  happened(attempt: string): boolean {
    return this.#carriedOut.has(attempt)
  }

  mayStillHappen(attempt: string): boolean {
    return this.#underWay.has(attempt)
  }

  #carryOut(operation: string, arrival: number, by: Caller): string {
    this.#world.effect(operation, arrival, by)
    this.#carriedOut.add(by.attempt)
    return `receipt-${arrival}`
  }

  #call(process: Process, attempt: string, keyed: boolean, carryOut: () => string): Promise<string> {
    const { weather } = this.#world
    this.#underWay.add(attempt)
    return ask(this.#world, process, {
      link: weather.foreign,
      timeoutMs: weather.foreignTimeoutMs,
      far: this,
      // Nobody may repeat what can't be deduplicated; the network may repeat what can.
      doubles: keyed,
      apply: () => {
        this.#underWay.delete(attempt)
        return carryOut()
      },
      neverArrives: () => this.#underWay.delete(attempt),
      error: (why) => new NoAnswer(why),
      answerLost: undefined,
      appliedLate: 'an effect happened after its handler had given up',
      doubled: undefined,
    })
  }
}
