/** Waiting for an answer, but not for ever. */

import type { Clock } from '../../engine/clock.ts'

/** The value of `promise`, or a rejection with what `overdue` makes once `ms` have passed, and never before. */
export function within<T>(clock: Clock, ms: number, promise: Promise<T>, overdue: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const untilMs = clock.monotonic() + ms
    let cancel = clock.after(ms, fire)
    function fire(): void {
      // Timers are set by the time at which this turn of the loop began, and so may fire too early.
      const leftMs = untilMs - clock.monotonic()
      if (leftMs > 0) cancel = clock.after(Math.ceil(leftMs), fire)
      else reject(overdue())
    }
    promise.finally(() => cancel()).then(resolve, reject)
  })
}
