/**
 * Problems (RFC 9457): what went wrong, one `type` per condition, with what a client needs to decide its next step
 * without reading a manual. Never carries a raw key or body.
 */

import { defaultHeaderNames, type HeaderLine, type HeaderNames } from './headers.ts'
import { printRetryAfter, retryAfterSeconds } from './retry-after.ts'

export type ProblemSlug =
  | 'idempotency-key-missing'
  | 'idempotency-key-invalid'
  | 'idempotency-key-reused'
  | 'idempotency-in-progress'
  | 'idempotency-outcome-unknown'
  | 'idempotency-key-expired'
  | 'idempotency-unavailable'
  | 'idempotency-not-applied'
  | 'idempotency-response-not-kept'
  | 'idempotency-response-too-large'
  | 'principal-missing'
  | 'request-body-invalid'
  | 'request-body-too-large'
  | 'request-coding-unsupported'
  | 'too-early'

/**
 * What to do about the key: send it again with the same request (`reuse`), take a fresh one for a new intent (`new`),
 * correct the request that was refused (`fix`), or nothing (`none`).
 */
export type KeyAction = 'reuse' | 'new' | 'fix' | 'none'

/**
 * What became of the effect: it did not happen (`none`), it happened (`applied`), nobody can say (`unknown`), or this
 * request changed nothing about an earlier one's (`unchanged`).
 */
export type EffectOutcome = 'none' | 'applied' | 'unknown' | 'unchanged'

export interface ProblemType {
  readonly status: number
  readonly title: string
  /** `depends`: only while somebody is about to find the outcome out, which is when a `retryAfterMs` is given. */
  readonly retryable: boolean | 'depends'
  readonly keyAction: KeyAction
  readonly outcome: EffectOutcome
}

/** Every condition that this library reports, by slug. Each has a page in docs/problems. */
export const problemTypes: Readonly<Record<ProblemSlug, ProblemType>> = {
  'idempotency-key-missing': {
    status: 400,
    title: 'An idempotency key is required',
    retryable: false,
    keyAction: 'new',
    outcome: 'none',
  },
  'idempotency-key-invalid': {
    status: 400,
    title: 'The idempotency key is not valid',
    retryable: false,
    keyAction: 'fix',
    outcome: 'none',
  },
  'idempotency-key-reused': {
    status: 422,
    title: 'The idempotency key belongs to another request',
    retryable: false,
    keyAction: 'new',
    outcome: 'unchanged',
  },
  'idempotency-in-progress': {
    status: 409,
    title: 'The operation is still running',
    retryable: true,
    keyAction: 'reuse',
    outcome: 'unknown',
  },
  'idempotency-outcome-unknown': {
    status: 409,
    title: 'The outcome of the operation is not known',
    retryable: 'depends',
    keyAction: 'reuse',
    outcome: 'unknown',
  },
  'idempotency-key-expired': {
    status: 410,
    title: 'The outcome of the operation is no longer kept',
    retryable: false,
    keyAction: 'new',
    outcome: 'unknown',
  },
  'idempotency-unavailable': {
    status: 503,
    title: 'The operation could not be protected',
    retryable: true,
    keyAction: 'reuse',
    outcome: 'none',
  },
  'idempotency-not-applied': {
    status: 503,
    title: 'The operation was not applied',
    retryable: true,
    keyAction: 'reuse',
    outcome: 'none',
  },
  'idempotency-response-not-kept': {
    status: 409,
    title: 'The operation was applied; its answer was not kept',
    retryable: false,
    keyAction: 'none',
    outcome: 'applied',
  },
  'idempotency-response-too-large': {
    status: 500,
    title: 'The answer is too large to be kept',
    retryable: false,
    keyAction: 'none',
    outcome: 'none',
  },
  'principal-missing': {
    status: 401,
    title: 'The caller is not known',
    retryable: false,
    keyAction: 'reuse',
    outcome: 'none',
  },
  'request-body-invalid': {
    status: 400,
    title: 'The request body is not valid',
    retryable: false,
    keyAction: 'fix',
    outcome: 'none',
  },
  'request-body-too-large': {
    status: 413,
    title: 'The request body is too large',
    retryable: false,
    keyAction: 'fix',
    outcome: 'none',
  },
  'request-coding-unsupported': {
    status: 415,
    title: 'The content coding of the request is not supported',
    retryable: false,
    keyAction: 'fix',
    outcome: 'none',
  },
  'too-early': {
    status: 425,
    title: 'The request was sent too early',
    retryable: true,
    keyAction: 'reuse',
    outcome: 'none',
  },
}

/** Where problem types live unless another base is given. It ends in a slash. */
export const PROBLEM_TYPE_BASE = 'https://reprise.dev/problems/'

/** A problem as it is sent: `JSON.stringify` of it is the body. Other members are extensions (RFC 9457 §3.2). */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: ProblemSlug
  readonly retryable: boolean
  /** Whole seconds. */
  readonly retry_after?: number
  readonly key_action: KeyAction
  readonly outcome: EffectOutcome
  readonly [extension: string]: unknown
}

/**
 * The particulars of one occurrence. `detail` is a sentence for people. `retryable`, `keyAction` and `outcome` replace
 * what the type says where more is known; everything else is an extension member, such as `reason`, `mismatch`,
 * `started_at` or `operation`.
 */
export interface ProblemInit {
  readonly detail: string
  readonly retryAfterMs?: number | undefined
  readonly retryable?: boolean | undefined
  readonly keyAction?: KeyAction | undefined
  readonly outcome?: EffectOutcome | undefined
  readonly typeBase?: string | undefined
  readonly [extension: string]: unknown
}

/**
 * One occurrence of a condition.
 *
 * @example
 * problem('idempotency-key-reused', { detail: 'The key was first sent with another body.', mismatch: ['body'] })
 */
export function problem(slug: ProblemSlug, init: ProblemInit): Problem {
  const { detail, retryAfterMs, retryable, keyAction, outcome, typeBase = PROBLEM_TYPE_BASE, ...extensions } = init
  const type = problemTypes[slug]
  const members = {
    type: typeBase + slug,
    title: type.title,
    status: type.status,
    detail,
    code: slug,
    retryable: retryable ?? (type.retryable === 'depends' ? retryAfterMs !== undefined : type.retryable),
    ...(retryAfterMs === undefined ? undefined : { retry_after: retryAfterSeconds(retryAfterMs) }),
    key_action: keyAction ?? type.keyAction,
    outcome: outcome ?? type.outcome,
  }
  // First, to be read first, and again, so that no extension can pass for a member that has a meaning.
  return { ...members, ...extensions, ...members }
}

/**
 * The header lines that go with a problem. Never a cached answer: it speaks of this attempt only.
 *
 * @example new Response(JSON.stringify(problem), { status: problem.status, headers: problemHeaders(problem) })
 */
export function problemHeaders(problem: Problem, names: HeaderNames = defaultHeaderNames): HeaderLine[] {
  const lines: HeaderLine[] = [
    ['Content-Type', 'application/problem+json'],
    ['Cache-Control', 'no-store'],
    [names.shouldRetry, String(problem.retryable)],
  ]
  // The members say it to clients that know problems, the headers to those that know only HTTP.
  if (problem.retry_after !== undefined) lines.push(['Retry-After', printRetryAfter(problem.retry_after * 1000)])
  // Idempotency-Key draft §2.7: where a key was required, the answer points to what the API requires (RFC 8288).
  if (problem.code === 'idempotency-key-missing') lines.push(['Link', `<${problem.type}>; rel="describedby"`])
  // RFC 9110 §12.5.3: Accept-Encoding in an answer says which codings would have been taken.
  if (problem.code === 'request-coding-unsupported') lines.push(['Accept-Encoding', 'gzip, deflate, br'])
  return lines
}
