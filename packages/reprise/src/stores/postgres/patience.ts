/** How long the server is waited for. One that has fallen silent, or a network that has, answers nobody and never says so. */

import { systemClock } from '../../engine/clock.ts'
import { RepriseError } from '../../engine/errors.ts'

/**
 * What `ask` comes to, or `store-unavailable` where it has come to nothing after `ms`. Then `gaveUp` is aborted, so that what
 * is still under way can be ended, and what it comes to later is handed to `late`. By the machine's own clock: what is waited
 * for is no deadline of a record.
 */
export async function within<T>(
  ms: number,
  ask: (gaveUp: AbortSignal) => Promise<T>,
  late: (result: T) => unknown = () => undefined,
): Promise<T> {
  const giving = new AbortController()
  let cancel: () => void = () => undefined
  const silence = new Promise<never>((_, reject) => {
    cancel = systemClock.after(ms, () => {
      reject(new RepriseError('store-unavailable', `PostgreSQL gave no connection, or no answer, for ${ms} ms.`))
      giving.abort()
    })
  })
  const asked = ask(giving.signal)
  try {
    return await Promise.race([asked, silence])
  } catch (error) {
    if (giving.signal.aborted) asked.then(late).catch(() => undefined)
    throw error
  } finally {
    cancel()
  }
}
