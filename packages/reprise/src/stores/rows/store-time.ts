/** The time of the store's server, as well as this process can know it without asking. */

import type { Clock } from '../../engine/clock.ts'

/** Further from what was known than this, a time that the server tells is believed even where it is earlier. */
const driftMs = 250

export interface StoreTime {
  /** Milliseconds since 1970 by the server's clock. Late by what the network takes, and never early. */
  now(): number
  /** Takes note of what the server has just said. */
  heard(serverMs: number): void
}

/**
 * The server's time, carried on by a clock of this process that never goes back: nobody's wall clock but the server's is
 * believed, so that processes whose clocks differ still agree about every deadline.
 */
export function serverTime(clock: Clock): StoreTime {
  let aheadMs = Number.NaN
  return {
    now: () => Math.floor(clock.monotonic() + aheadMs),
    heard: (serverMs) => {
      const heardMs = serverMs - clock.monotonic()
      // What took the shortest way is the nearest to the truth, unless the clocks have drifted apart.
      if (!(heardMs <= aheadMs) || aheadMs - heardMs > driftMs) aheadMs = heardMs
    },
  }
}

/** The time of a clock that was passed in: for tests that move it. */
export function givenTime(clock: Clock): StoreTime {
  return { now: () => clock.now(), heard: () => undefined }
}
