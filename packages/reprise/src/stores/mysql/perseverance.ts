/** Trying again what failed for a reason that passes. */

import { type Clock, sleep } from '../../engine/clock.ts'
import { systemRandomness } from '../../engine/ids.ts'
import { errno, isConflict, isLost, serverErrno } from './faults.ts'

const deadlocksMax = 10
/** Waiting for a lock has taken its time already. */
const timeoutsMax = 3
/** Connections may all have been lost together, and each is noticed when it is used. */
const lossesMax = 3
const pauseMs = 10

/**
 * Does work that may be done twice, and does it again after a deadlock, a lock-wait time-out or a lost connection; a few
 * times, then what was thrown last is thrown on.
 */
export async function persevering<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  for (let failed = 1; ; failed++) {
    try {
      return await work()
    } catch (error) {
      if (failed >= triesOf(error)) throw error
      // At random, lest the same two meet again.
      if (isConflict(error)) await sleep(clock, pauseMs * failed * systemRandomness.fraction())
    }
  }
}

function triesOf(error: unknown): number {
  const number = serverErrno(error)
  if (number === errno.lockWaitTimeout) return timeoutsMax
  if (isConflict(error)) return deadlocksMax
  return isLost(error) || number === errno.transactionOpen ? lossesMax : 1
}
