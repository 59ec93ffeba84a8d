/** The door `reprise/hono`: a middleware for Hono 4, on every platform that Hono runs on. */

import type { Attempt } from '../engine/attempt.ts'
import type { HeaderLine } from '../engine/record.ts'
import type { HttpResponse } from '../http/answer.ts'
import { isNotApplied } from '../http/handler-errors.ts'
import type { Route } from '../http/route.ts'
import type { RouteOptions } from '../http/route-options.ts'
import type { Reprise } from '../reprise.ts'
import { HonoArrival, type HonoContext } from './hono/request.ts'
import { attemptOf, runsIn } from './shared/attempt-of.ts'
import { answerOutcome, type KeyRequired, type OutcomeHandler, takesUnprotected } from './shared/outcome.ts'
import { captureResponse, makeResponse } from './web/response.ts'

export type { HonoContext } from './hono/request.ts'
export { attemptOf } from './shared/attempt-of.ts'

/** Types `c.get('attempt')`: `new Hono<AttemptEnv<MemoryTx>>()`. It is undefined where a request is not protected. */
export interface AttemptEnv<Tx> {
  Variables: { attempt: Attempt<Tx> }
}

// biome-ignore lint/suspicious/noConfusingVoidType: Hono's own type for "answered by those after me".
export type HonoMiddleware<C> = (context: C, next: () => Promise<void>) => Promise<Response | void>

/**
 * Makes the handlers after it safe to retry: with `app.use`, or before the handler of one route. They find their attempt
 * with `attemptOf(c)` or `c.get('attempt')`. What `onError` makes of an error is the handler's answer.
 *
 * @example
 * app.post('/orders', idempotent(reprise, { name: 'order.create', guarantee: 'transactional' }), createOrder)
 */
export function idempotent<Tx>(reprise: Reprise<Tx>, options: RouteOptions): HonoMiddleware<HonoContext>
/**
 * Answers with what `handler` returns.
 *
 * @example
 * app.post('/orders', idempotent(reprise, policy, async (attempt, c: Context) => {
 *   const order = insertOrder(attempt.tx, await c.req.json())
 *   return reply(201, order, { location: `/orders/${order.id}` })
 * }))
 */
export function idempotent<Tx, C extends HonoContext = HonoContext>(
  reprise: Reprise<Tx>,
  options: KeyRequired,
  handler: OutcomeHandler<Attempt<Tx>, C>,
): HonoMiddleware<C>
/** With a key that is optional or off, `handler` has no attempt where the request is not protected. */
export function idempotent<Tx, C extends HonoContext = HonoContext>(
  reprise: Reprise<Tx>,
  options: RouteOptions,
  handler: OutcomeHandler<Attempt<Tx> | undefined, C>,
): HonoMiddleware<C>
export function idempotent<Tx>(
  reprise: Reprise<Tx>,
  options: RouteOptions,
  handler?: OutcomeHandler<Attempt<Tx>, HonoContext>,
): HonoMiddleware<HonoContext> {
  const route = reprise.route(options)
  if (handler === undefined) return (context, next) => serve(route, context, next)
  const unprotected = takesUnprotected(options)
  return async (context, next) => {
    const answer = await answerOutcome(route, new HonoArrival(context), unprotected, (attempt) => {
      context.set('attempt', attempt)
      return handler(attempt as Attempt<Tx>, context)
    })
    switch (answer.kind) {
      case 'pass':
        await next()
        return
      case 'own':
        answerWith(context, answer.response, answer.added, context.res.headers)
        return
      case 'response':
        answerWith(context, answer.response, [], context.res.headers)
        return
      case 'threw':
        for (const [name, value] of answer.added) context.res.headers.set(name, value)
        throw answer.error
    }
  }
}

async function serve<Tx>(route: Route<Tx>, context: HonoContext, next: () => Promise<void>): Promise<void> {
  // A second middleware on the same request would claim the key that the first one holds.
  if (attemptOf(context) !== undefined) return next()
  let before: Headers | undefined
  const answer = await route.handle(new HonoArrival(context), async (attempt) => {
    before = new Headers(context.res.headers)
    runsIn(context, attempt)
    context.set('attempt', attempt)
    try {
      await next()
    } finally {
      runsIn(context, undefined)
    }
    // Hono has turned the error into a response already; this one says something about the effect.
    if (isNotApplied(context.error)) throw context.error
    if (!context.finalized) throw new Error('The handler has returned no response.')
    return captureResponse(context.res, route.responseBuffer)
  })
  switch (answer.kind) {
    case 'pass':
      return next()
    case 'own':
      answerWith(context, answer.response, answer.added, undefined)
      return
    case 'response':
      answerWith(context, answer.response, [], before ?? context.res.headers)
      return
    case 'threw':
      // The error page keeps what the middlewares around have set, and nothing of an answer that was given up.
      answerWith(context, { status: 500, headers: [], body: null }, answer.added, before)
      throw answer.error
  }
}

function answerWith(
  context: HonoContext,
  response: HttpResponse,
  added: readonly HeaderLine[],
  before: Headers | undefined,
): void {
  const made = makeResponse(response, added, before)
  // Otherwise Hono would copy the headers of the response that is replaced onto the one that replaces it.
  ;(context as { res: Response | undefined }).res = undefined
  context.res = made
}
