/** Duplicates that wait for the first answer, counted so that an outage can't fill the process with them. */

import { type Clock, sleep } from './clock.ts'
import type { Store } from './store.ts'

export interface WaitingLimits {
  readonly perOperation: number
  readonly perProcess: number
}

export class WaitingRoom {
  readonly #limits: WaitingLimits
  readonly #waiting = new Map<string, number>()
  #total = 0

  constructor(limits: WaitingLimits) {
    this.#limits = limits
  }

  /** Takes a place, or says that there is none. Every place taken is given back with `leave`. */
  enter(id: string): boolean {
    const here = this.#waiting.get(id) ?? 0
    if (here >= this.#limits.perOperation || this.#total >= this.#limits.perProcess) return false
    this.#waiting.set(id, here + 1)
    this.#total++
    return true
  }

  leave(id: string): void {
    const here = this.#waiting.get(id) ?? 0
    if (here <= 1) this.#waiting.delete(id)
    else this.#waiting.set(id, here - 1)
    this.#total--
  }
}

/**
 * Starts to watch a record, so that a change after this call is not missed. `changed(ms)` resolves when the record may
 * have changed, and at the latest after `ms`; a store that is not told of other processes' changes is looked at again
 * after `pollMs`. `end` must be called.
 */
export function watch(
  store: Store,
  id: string,
  pollMs: number,
  clock: Clock,
): { changed(ms: number): Promise<void>; end(): void } {
  const done = new AbortController()
  const told = store.watch?.(id, done.signal)
  // Whoever watches has stopped listening by the time a broken watch is noticed: polling carries on without it.
  told?.catch(() => undefined)
  return {
    changed: (ms) => {
      const pause = sleep(clock, store.capabilities.wakesWaiters ? ms : Math.min(ms, pollMs), done.signal)
      return told === undefined ? pause : Promise.race([told.catch(() => pause), pause])
    },
    end: () => done.abort(),
  }
}
