/** Finds the attempt that a request runs in, from wherever the request is at hand. */

import type { Attempt } from '../../engine/attempt.ts'

/** Registered, so that two copies of the library in one process see each other's attempts and never claim twice. */
const running: unique symbol = Symbol.for('reprise.attempt') as never

interface Marked {
  [running]?: Attempt | undefined
}

/**
 * The attempt in which this request runs; `undefined` where it is not protected, and once it has been answered.
 *
 * @example
 * app.post('/orders', idempotent(reprise, policy), (req, res) => {
 *   const order = insertOrder(attemptOf<SqliteTx>(req)?.tx, req.body)
 *   res.status(201).json(order)
 * })
 */
export function attemptOf<Tx = unknown>(request: object): Attempt<Tx> | undefined {
  return (request as Marked)[running] as Attempt<Tx> | undefined
}

/** Marks the request for {@link attemptOf}; `undefined` once the attempt is over. */
export function runsIn<Tx>(request: object, attempt: Attempt<Tx> | undefined): void {
  ;(request as Marked)[running] = attempt as Attempt | undefined
}
