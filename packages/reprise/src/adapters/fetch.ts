/** The door `reprise/fetch`: for everything that turns a `Request` into a `Response`. Web APIs only. */

import type { Attempt } from '../engine/attempt.ts'
import type { Route } from '../http/route.ts'
import type { RouteOptions } from '../http/route-options.ts'
import type { Reprise } from '../reprise.ts'
import { attemptOf, runsIn } from './shared/attempt-of.ts'
import {
  answerOutcome,
  type KeyRequired,
  methodNotAllowed,
  type OutcomeHandler,
  takesUnprotected,
} from './shared/outcome.ts'
import { WebArrival } from './web/request.ts'
import { captureResponse, makeResponse } from './web/response.ts'

export { attemptOf } from './shared/attempt-of.ts'

/** A handler of the Fetch API, with what its platform adds: an environment, a context, route parameters. */
export type FetchHandler<Rest extends readonly unknown[]> = (
  request: Request,
  ...rest: Rest
) => Response | Promise<Response>

export interface FetchMiddleware {
  /**
   * Makes an existing handler safe to retry. Once the body has been read, it gets a new Request with the same bytes: its
   * attempt is found with `attemptOf` of that one.
   */
  around<Rest extends readonly unknown[]>(
    handler: FetchHandler<Rest>,
  ): (request: Request, ...rest: Rest) => Promise<Response>
}

/**
 * Makes existing handlers safe to retry.
 *
 * @example
 * export const POST = idempotent(reprise, { name: 'order.create', guarantee: 'transactional' }).around(createOrder)
 */
export function idempotent<Tx>(reprise: Reprise<Tx>, options: RouteOptions): FetchMiddleware
/**
 * Answers with what `handler` returns.
 *
 * @example
 * export const POST = idempotent(reprise, policy, async (attempt, request) => {
 *   const order = insertOrder(attempt.tx, await request.json())
 *   return reply(201, order, { location: `/orders/${order.id}` })
 * })
 */
export function idempotent<Tx, Rest extends readonly unknown[] = []>(
  reprise: Reprise<Tx>,
  options: KeyRequired,
  handler: OutcomeHandler<Attempt<Tx>, Request, Rest>,
): (request: Request, ...rest: Rest) => Promise<Response>
/** With a key that is optional or off, `handler` has no attempt where the request is not protected. */
export function idempotent<Tx, Rest extends readonly unknown[] = []>(
  reprise: Reprise<Tx>,
  options: RouteOptions,
  handler: OutcomeHandler<Attempt<Tx> | undefined, Request, Rest>,
): (request: Request, ...rest: Rest) => Promise<Response>
export function idempotent<Tx, Rest extends readonly unknown[]>(
  reprise: Reprise<Tx>,
  options: RouteOptions,
  handler?: OutcomeHandler<Attempt<Tx>, Request, Rest>,
): FetchMiddleware | ((request: Request, ...rest: Rest) => Promise<Response>) {
  const route = reprise.route(options)
  if (handler === undefined) return { around: (existing) => around(route, existing) }
  const unprotected = takesUnprotected(options)
  return async (request, ...rest) => {
    const arrival = new WebArrival(request)
    const answer = await answerOutcome(route, arrival, unprotected, (attempt) => {
      const unread = arrival.unread
      runsIn(unread, attempt)
      return handler(attempt as Attempt<Tx>, unread, ...rest)
    })
    switch (answer.kind) {
      case 'pass':
        return makeResponse(methodNotAllowed)
      case 'own':
        return makeResponse(answer.response, answer.added)
      case 'response':
        return makeResponse(answer.response)
      case 'threw':
        throw answer.error
    }
  }
}

function around<Tx, Rest extends readonly unknown[]>(
  route: Route<Tx>,
  handler: FetchHandler<Rest>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  return async (request, ...rest) => {
    // A second protection of the same request would claim the key that the first one holds.
    if (attemptOf(request) !== undefined) return handler(request, ...rest)
    const arrival = new WebArrival(request)
    const answer = await route.handle(arrival, async (attempt) => {
      const unread = arrival.unread
      runsIn(unread, attempt)
      try {
        return await captureResponse(await handler(unread, ...rest), route.responseBuffer)
      } finally {
        runsIn(unread, undefined)
      }
    })
    switch (answer.kind) {
      case 'pass':
        return handler(arrival.unread, ...rest)
      case 'own':
        return makeResponse(answer.response, answer.added)
      case 'response':
        return makeResponse(answer.response)
      case 'threw':
        throw answer.error
    }
  }
}
