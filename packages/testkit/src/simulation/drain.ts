/** Follows every settled promise to its end, in the middle of a synchronous loop. */

import { setFlagsFromString } from 'node:v8'

/**
 * Runs the microtask queue until it is empty. V8 does so by itself only between turns of the event loop, and a turn per
 * event (`setImmediate`) costs forty times as much.
 *
 * It has to be called outside of any promise's continuation, since V8 does not begin to drain while it is draining.
 */
export const drainMicrotasks: () => void = /* @__PURE__ */ (() => {
  setFlagsFromString('--allow-natives-syntax')
  // The only way to say it: the syntax exists behind that flag, and only in code that is parsed after it was set.
  // oxlint-disable-next-line typescript/no-implied-eval
  return new Function('%PerformMicrotaskCheckpoint()') as () => void
})()

/** Whether `drainMicrotasks` works where it is called from. */
export function canDrain(): boolean {
  let drained = false
  void Promise.resolve().then(() => {
    drained = true
  })
  drainMicrotasks()
  return drained
}

/** Calls `work` where it can drain: at the top of a turn of the event loop. */
export function atTopOfTurn<T>(work: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(work())
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)))
      }
    })
  })
}
