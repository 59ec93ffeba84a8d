/**
 * What goes wrong in the ledger, one `type` per condition (RFC 9457). Problems of the idempotency key itself come from
 * Reprise; both speak of `retryable`, `key_action` and `outcome` in the same words.
 */
import type { FastifyReply } from 'fastify'
import { type HttpResponse, reply } from 'reprise'

export const PROBLEM_TYPE_BASE = 'https://reprise.dev/problems/ledger/'
export const PROBLEM_MEDIA_TYPE = 'application/problem+json'

/**
 * What to do about the idempotency key. `new`: the refusal is recorded under this key, so a corrected request needs
 * another. `fix`: nothing was recorded; correct the request and keep the key. `reuse`: send the same again.
 * `none`: the condition has nothing to do with a key.
 */
type KeyAction = 'new' | 'fix' | 'reuse' | 'none'

interface ProblemType {
  readonly status: number
  readonly title: string
  readonly keyAction: KeyAction
}

export type ProblemSlug =
  | 'unauthenticated'
  | 'bad-request'
  | 'malformed-json'
  | 'query-invalid'
  | 'validation-failed'
  | 'body-too-large'
  | 'unsupported-media-type'
  | 'request-timeout'
  | 'headers-too-large'
  | 'route-not-found'
  | 'method-not-allowed'
  | 'account-not-found'
  | 'transfer-not-found'
  | 'account-exists'
  | 'same-account'
  | 'unknown-account'
  | 'currency-mismatch'
  | 'insufficient-funds'
  | 'balance-limit'
  | 'internal-error'
  | 'not-ready'

export const problemTypes: Readonly<Record<ProblemSlug, ProblemType>> = {
  unauthenticated: { status: 401, title: 'The caller is not known', keyAction: 'reuse' },

  'bad-request': { status: 400, title: 'The request is not valid HTTP', keyAction: 'fix' },
  'malformed-json': { status: 400, title: 'The body is not JSON', keyAction: 'fix' },
  'query-invalid': { status: 400, title: 'A query parameter is not valid', keyAction: 'none' },
  'validation-failed': { status: 400, title: 'The body is not what this operation takes', keyAction: 'new' },
  'body-too-large': { status: 413, title: 'The body is too large', keyAction: 'fix' },
  'unsupported-media-type': { status: 415, title: 'The body has to be JSON', keyAction: 'fix' },
  'request-timeout': { status: 408, title: 'The request did not arrive in time', keyAction: 'reuse' },
  'headers-too-large': { status: 431, title: 'The header section is too large', keyAction: 'fix' },

  'route-not-found': { status: 404, title: 'There is nothing at this path', keyAction: 'none' },
  'method-not-allowed': { status: 405, title: 'This path does not take this method', keyAction: 'none' },
  'account-not-found': { status: 404, title: 'There is no such account', keyAction: 'none' },
  'transfer-not-found': { status: 404, title: 'There is no such transfer', keyAction: 'none' },

  'account-exists': { status: 409, title: 'The account id is taken', keyAction: 'new' },
  'same-account': { status: 422, title: 'A transfer needs two accounts', keyAction: 'new' },
  'unknown-account': { status: 422, title: 'An account of the transfer does not exist', keyAction: 'new' },
  'currency-mismatch': { status: 422, title: 'The currencies differ', keyAction: 'new' },
  'insufficient-funds': { status: 422, title: 'The account has not enough money', keyAction: 'new' },
  'balance-limit': { status: 422, title: 'A balance would become too large', keyAction: 'new' },

  'internal-error': { status: 500, title: 'Something went wrong here', keyAction: 'reuse' },
  'not-ready': { status: 503, title: 'The service takes no requests now', keyAction: 'reuse' },
}

export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: ProblemSlug
  readonly retryable: boolean
  readonly key_action: KeyAction
  /** Always `none`: what the ledger refuses has not happened, and what fails is rolled back. */
  readonly outcome: 'none'
  readonly [extension: string]: unknown
}

/** One occurrence. `detail` is a sentence for people; extensions are for machines. */
export function problem(
  slug: ProblemSlug,
  detail: string,
  extensions: Readonly<Record<string, unknown>> = {},
): Problem {
  const { status, title, keyAction } = problemTypes[slug]
  return {
    ...extensions,
    type: PROBLEM_TYPE_BASE + slug,
    title,
    status,
    detail,
    code: slug,
    retryable: status >= 500 || status === 408,
    key_action: keyAction,
    outcome: 'none',
  }
}

/** A refusal as the outcome of an operation: Reprise records it, and rolls back whatever the handler wrote before it. */
export function refusal(problem: Problem): HttpResponse {
  return reply(problem.status, problem, { 'content-type': PROBLEM_MEDIA_TYPE, 'cache-control': 'no-store' })
}

/** Answers a request that Reprise does not guard. */
export function sendProblem(response: FastifyReply, problem: Problem): FastifyReply {
  return (
    response
      .code(problem.status)
      .header('cache-control', 'no-store')
      .type(PROBLEM_MEDIA_TYPE)
      // Bytes, because Fastify adds a charset to the type of a text, and this type has none.
      .send(Buffer.from(JSON.stringify(problem)))
  )
}
