/** How long the server is waited for. One that has fallen silent, or a network that has, answers nobody and never says so. */

import { systemClock } from '../../engine/clock.ts'
import { RepriseError } from '../../engine/errors.ts'

/** Whether somebody still waits. An abort signal would say the same, and cost more than the rest of a round trip's work. */
export interface Patience {
  readonly over: boolean
  /** Called when nobody waits any more, so that what is under way can be ended. */
  onOver: (() => void) | undefined
}

/**
 * What `ask` comes to, or `store-unavailable` where it has come to nothing after `ms`; what it comes to later is handed to
 * `late`. By the machine's own clock: what is waited for is no deadline of a record.
 */
export function within<T>(
  ms: number,
  ask: (patience: Patience) => Promise<T>,
  late: (result: T) => Promise<unknown> = () => Promise.resolve(),
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const patience = { over: false, onOver: undefined as (() => void) | undefined }
    const cancel = systemClock.after(ms, () => {
      patience.over = true
      reject(new RepriseError('store-unavailable', `PostgreSQL gave no connection, or no answer, for ${ms} ms.`))
      patience.onOver?.()
    })
    ask(patience).then(
      (result) => {
        cancel()
        if (patience.over) late(result).catch(() => undefined)
        else resolve(result)
      },
      (error: Error) => {
        cancel()
        reject(error)
      },
    )
  })
}
