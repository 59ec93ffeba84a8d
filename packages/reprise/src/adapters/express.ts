/** The door `reprise/express`: a middleware for Express 4 and 5. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Attempt } from '../engine/attempt.ts'
import type { RouteOptions } from '../http/route-options.ts'
import type { Reprise } from '../reprise.ts'
import type { MountedRequest } from './node/mounted-request.ts'
import { serve, serveOutcome } from './node/serve.ts'
import { type KeyRequired, type OutcomeHandler, takesUnprotected } from './shared/outcome.ts'

export { attemptOf } from './shared/attempt-of.ts'

/** What an outcome handler gets as its request; annotate it with Express's own `Request` for more. */
export interface ExpressRequest extends IncomingMessage {
  readonly originalUrl: string
  // biome-ignore lint/suspicious/noExplicitAny: as Express has it, where it depends on the parsers that are mounted.
  body?: any
  // biome-ignore lint/suspicious/noExplicitAny: as Express has it, where it depends on the path.
  params: any
}

export type ExpressMiddleware<R> = (request: R, response: ServerResponse, next: (error?: unknown) => void) => void

/**
 * Makes the handlers after it safe to retry: with `app.use`, in a router, or before the handler of one route. They find
 * their attempt with `attemptOf(req)`.
 *
 * @example
 * app.post('/orders', idempotent(reprise, { name: 'order.create', guarantee: 'transactional' }), createOrder)
 */
export function idempotent<Tx>(reprise: Reprise<Tx>, options: RouteOptions): ExpressMiddleware<IncomingMessage>
/**
 * Answers with what `handler` returns.
 *
 * @example
 * app.post('/orders', idempotent(reprise, policy, (attempt, req: Request) => {
 *   const order = insertOrder(attempt.tx, req.body)
 *   return reply(201, order, { location: `/orders/${order.id}` })
 * }))
 */
export function idempotent<Tx, R extends IncomingMessage = ExpressRequest>(
  reprise: Reprise<Tx>,
  options: KeyRequired,
  handler: OutcomeHandler<Attempt<Tx>, R>,
): ExpressMiddleware<R>
/** With a key that is optional or off, `handler` has no attempt where the request is not protected. */
export function idempotent<Tx, R extends IncomingMessage = ExpressRequest>(
  reprise: Reprise<Tx>,
  options: RouteOptions,
  handler: OutcomeHandler<Attempt<Tx> | undefined, R>,
): ExpressMiddleware<R>
export function idempotent<Tx>(
  reprise: Reprise<Tx>,
  options: RouteOptions,
  handler?: OutcomeHandler<Attempt<Tx>, IncomingMessage>,
): ExpressMiddleware<IncomingMessage> {
  const route = reprise.route(options)
  if (handler === undefined) {
    return (request, response, next) => serve(route, request as MountedRequest, response, () => next(), next)
  }
  const unprotected = takesUnprotected(options)
  return (request, response, next) => {
    const outcome = (attempt: Attempt<Tx> | undefined) => handler(attempt as Attempt<Tx>, request)
    serveOutcome(route, request as MountedRequest, response, unprotected, outcome, () => next(), next)
  }
}
