/** The door `reprise/node`: listeners of node:http, and middlewares of whatever stands on it. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Attempt } from '../engine/attempt.ts'
import type { RouteOptions } from '../http/route-options.ts'
import type { Reprise } from '../reprise.ts'
import { answerError } from './node/answer-error.ts'
import { serve, serveOutcome } from './node/serve.ts'
import { type KeyRequired, type OutcomeHandler, takesUnprotected } from './shared/outcome.ts'

export { attemptOf } from './shared/attempt-of.ts'

/** An error goes to `next` where there is one; otherwise it is printed and answered with a bare 500. */
export type NodeListener = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => void

export interface NodeMiddleware {
  /** For Connect and its like. `next` has to take errors: one that ignores them would run the handler unprotected. */
  (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): void
  /** Makes a listener safe to retry. What it throws, or rejects with, is a failed attempt. */
  around(listener: (request: IncomingMessage, response: ServerResponse) => unknown): NodeListener
}

/**
 * Makes an existing listener safe to retry. It finds its attempt with `attemptOf(request)`.
 *
 * @example
 * createServer(idempotent(reprise, { name: 'order.create', guarantee: 'transactional' }).around(createOrder))
 */
export function idempotent<Tx>(reprise: Reprise<Tx>, options: RouteOptions): NodeMiddleware
/**
 * Answers with what `handler` returns.
 *
 * @example
 * createServer(idempotent(reprise, policy, (attempt, request) => reply(201, insertOrder(attempt.tx))))
 */
export function idempotent<Tx>(
  reprise: Reprise<Tx>,
  options: KeyRequired,
  handler: OutcomeHandler<Attempt<Tx>, IncomingMessage>,
): NodeListener
/** With a key that is optional or off, `handler` has no attempt where the request is not protected. */
export function idempotent<Tx>(
  reprise: Reprise<Tx>,
  options: RouteOptions,
  handler: OutcomeHandler<Attempt<Tx> | undefined, IncomingMessage>,
): NodeListener
export function idempotent<Tx>(
  reprise: Reprise<Tx>,
  options: RouteOptions,
  handler?: OutcomeHandler<Attempt<Tx>, IncomingMessage>,
): NodeMiddleware | NodeListener {
  const route = reprise.route(options)
  if (handler !== undefined) {
    const unprotected = takesUnprotected(options)
    const listener: NodeListener = (request, response, next) => {
      const outcome = (attempt: Attempt<Tx> | undefined) => handler(attempt as Attempt<Tx>, request)
      const fail = next ?? ((error: unknown) => answerError(response, error))
      serveOutcome(route, request, response, unprotected, outcome, next && (() => next()), fail)
    }
    return listener
  }

  const middleware: Omit<NodeMiddleware, 'around'> = (
    request: IncomingMessage,
    response: ServerResponse,
    next: (error?: unknown) => void,
  ) => serve(route, request, response, () => next(), next)
  const around: NodeMiddleware['around'] = (listener) => (request, response, next) => {
    const fail = next ?? ((error: unknown) => answerError(response, error))
    serve(
      route,
      request,
      response,
      (capture) => {
        const failed = capture === undefined ? fail : (error: unknown) => capture.fail(error)
        try {
          const returned = listener(request, response)
          if (returned instanceof Promise) returned.catch(failed)
        } catch (error) {
          failed(error)
        }
      },
      fail,
    )
  }
  return Object.assign(middleware, { around }) as NodeMiddleware
}
