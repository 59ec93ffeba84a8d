/** The door `reprise/fastify`: options of a route in Fastify 5. */

import type { Readable } from 'node:stream'
import type { Attempt } from '../engine/attempt.ts'
import type { RouteOptions } from '../http/route-options.ts'
import type { Reprise } from '../reprise.ts'
import { Exchange, heedNotApplied } from './fastify/exchange.ts'
import { type FastifyReply, prepare } from './fastify/reply.ts'
import { FastifyArrival, type FastifyRequest, overhear } from './fastify/request.ts'
import {
  answerOutcome,
  type KeyRequired,
  methodNotAllowed,
  type OutcomeHandler,
  takesUnprotected,
} from './shared/outcome.ts'

export type { FastifyReply } from './fastify/reply.ts'
export type { FastifyRequest } from './fastify/request.ts'
export { attemptOf } from './shared/attempt-of.ts'

type Done = (error?: Error) => void
type PreParsing = (request: FastifyRequest, reply: FastifyReply, payload: Readable, done: Done) => void

/** Options of a route. A route that has hooks of its own under one of these names lists both. */
export interface FastifyProtection {
  readonly preParsing: PreParsing
  readonly preHandler: (request: FastifyRequest, reply: FastifyReply, done: Done) => void
  readonly onError: (request: FastifyRequest, reply: FastifyReply, error: Error, done: () => void) => void
}

export interface FastifyOutcome<R> {
  readonly preParsing: PreParsing
  readonly handler: (request: R, reply: FastifyReply) => Promise<unknown>
}

/**
 * Makes the handler of a route safe to retry. It finds its attempt with `attemptOf(request)`.
 *
 * The claim comes after the hooks of the application and the validation of the schema; hooks of the route that must run
 * before it are listed before it: `{ ...protect, preHandler: [authorize, protect.preHandler] }`.
 *
 * @example
 * app.post('/orders', idempotent(reprise, { name: 'order.create', guarantee: 'transactional' }), createOrder)
 */
export function idempotent<Tx>(reprise: Reprise<Tx>, options: RouteOptions): FastifyProtection
/**
 * Answers with what `handler` returns.
 *
 * @example
 * app.post('/orders', idempotent(reprise, policy, (attempt, request: FastifyRequest<{ Body: Order }>) => {
 *   const order = insertOrder(attempt.tx, request.body)
 *   return reply(201, order, { location: `/orders/${order.id}` })
 * }))
 */
export function idempotent<Tx, R extends FastifyRequest = FastifyRequest>(
  reprise: Reprise<Tx>,
  options: KeyRequired,
  handler: OutcomeHandler<Attempt<Tx>, R>,
): FastifyOutcome<R>
/** With a key that is optional or off, `handler` has no attempt where the request is not protected. */
export function idempotent<Tx, R extends FastifyRequest = FastifyRequest>(
  reprise: Reprise<Tx>,
  options: RouteOptions,
  handler: OutcomeHandler<Attempt<Tx> | undefined, R>,
): FastifyOutcome<R>
export function idempotent<Tx>(
  reprise: Reprise<Tx>,
  options: RouteOptions,
  handler?: OutcomeHandler<Attempt<Tx>, FastifyRequest>,
): FastifyProtection | FastifyOutcome<FastifyRequest> {
  const route = reprise.route(options)
  const preParsing: PreParsing = (request, _reply, payload, done) => {
    overhear(request, payload)
    done()
  }
  if (handler === undefined) {
    return {
      preParsing,
      preHandler: (request, reply, done) => new Exchange(route, request, reply, done).start(),
      onError: heedNotApplied,
    }
  }

  const unprotected = takesUnprotected(options)
  return {
    preParsing,
    handler: async (request, reply) => {
      const answer = await answerOutcome(route, new FastifyArrival(request), unprotected, (attempt) =>
        handler(attempt as Attempt<Tx>, request),
      )
      switch (answer.kind) {
        case 'pass':
          return prepare(reply, methodNotAllowed, [])
        case 'own':
          return prepare(reply, answer.response, answer.added)
        case 'response':
          return prepare(reply, answer.response, [])
        case 'threw':
          for (const [name, value] of answer.added) reply.header(name, value)
          throw answer.error
      }
    },
  }
}
