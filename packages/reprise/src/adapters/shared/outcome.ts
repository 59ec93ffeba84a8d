/** The outcome style: a handler that returns its response instead of writing it. */

import type { Attempt } from '../../engine/attempt.ts'
import type { Answer, Captured, HttpResponse } from '../../http/answer.ts'
import type { HttpRequest } from '../../http/request.ts'
import type { Route } from '../../http/route.ts'
import type { RouteOptions } from '../../http/route-options.ts'
import { attemptOf, runsIn } from './attempt-of.ts'

/** Returns what `reply` makes. `A` is its attempt, `R` the framework's own request, `Rest` what else is passed on. */
export type OutcomeHandler<A, R, Rest extends readonly unknown[] = []> = (
  attempt: A,
  request: R,
  ...rest: Rest
) => HttpResponse | Promise<HttpResponse>

/** Options under which a handler is never called without an attempt. */
export type KeyRequired = RouteOptions & { readonly key?: 'required' }

/** Whether a handler also takes the requests that are not protected, with `undefined` for their attempt. */
export function takesUnprotected(options: RouteOptions): boolean {
  return options.key === 'optional' || options.key === 'off'
}

/** RFC 9110 §15.5.6: a safe method came to a handler that is there to change something. */
export const methodNotAllowed: HttpResponse = {
  status: 405,
  headers: [['allow', 'POST, PUT, PATCH, DELETE']],
  body: null,
}

/**
 * Answers one request with an outcome handler. `pass` is left only for safe methods where every other request has to
 * bring a key: they are no business of a handler that was promised an attempt.
 */
export async function answerOutcome<Tx>(
  route: Route<Tx>,
  request: HttpRequest,
  unprotected: boolean,
  outcome: (attempt: Attempt<Tx> | undefined) => HttpResponse | Promise<HttpResponse>,
): Promise<Answer> {
  const { native } = request as { native: object }
  // Inside another protected handler: its attempt is the one that counts.
  const around = attemptOf<Tx>(native)
  if (around !== undefined) return { kind: 'own', response: await outcome(around), added: [] }
  try {
    const answer = await route.handle(request, (attempt) => {
      runsIn(native, attempt)
      const made = outcome(attempt)
      return made instanceof Promise ? made.then(captured) : captured(made)
    })
    if (answer.kind !== 'pass' || !unprotected) return answer
    return { kind: 'own', response: await outcome(undefined), added: [] }
  } finally {
    runsIn(native, undefined)
  }
}

/**
 * Throws for what can't be sent, while throwing still undoes the effect. Found when it is sent, and again with each
 * replay, it would leave an effect that no answer ever tells of.
 */
function captured({ status, headers, body }: HttpResponse): Captured {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new RangeError(`The status of a response is 200 to 599, not ${status}.`)
  }
  for (const [name, value] of headers) {
    if (!token.test(name) || !fieldValue.test(value)) {
      throw new TypeError(`The response has a header line that can not be sent: ${JSON.stringify([name, value])}.`)
    }
  }
  return { kind: 'response', status, headers, body }
}

/** RFC 9110 §5.6.2, and §5.5 with the obsolete octets beyond ASCII. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/
