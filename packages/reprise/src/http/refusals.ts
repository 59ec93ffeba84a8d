/** The problems with which the pipeline refuses: one function per condition, each an RFC 9457 response. */

import type { Conclusion } from '../engine/conclusion.ts'
import { isNotApplied, isRepriseError } from '../engine/errors.ts'
import type { HeaderNames } from '../wire/headers.ts'
import { type Problem, type ProblemInit, type ProblemSlug, problem, problemHeaders } from '../wire/problem.ts'
import type { HttpResponse } from './answer.ts'

/** What the problems of one service have in common. */
export interface ProblemStyle {
  /** Base of the `type` URIs; the slug is appended. */
  readonly typeBase: string
  readonly names: HeaderNames
  /** Status for a mismatch: 422 by the draft; 409 or 400 for APIs that have always answered so. */
  readonly mismatchStatus: number
}

const encoder = new TextEncoder()

/** A problem as a response. */
export function refusal(style: ProblemStyle, slug: ProblemSlug, init: ProblemInit, status?: number): HttpResponse {
  const made: Problem = problem(slug, { typeBase: style.typeBase, ...init })
  const body: Problem = status === undefined ? made : { ...made, status }
  return { status: body.status, headers: problemHeaders(body, style.names), body: encoder.encode(JSON.stringify(body)) }
}

type Refused = Exclude<Conclusion, { kind: 'executed' | 'replayed' | 'released' }>

/** The answer to an arrival that may not run, or whose effect can't be told. */
export function refuseConclusion(style: ProblemStyle, conclusion: Refused, mismatch: readonly string[]): HttpResponse {
  switch (conclusion.kind) {
    case 'mismatch':
      return refusal(
        style,
        'idempotency-key-reused',
        { detail: `The key was first sent with a request that differs in: ${mismatch.join(', ')}.`, mismatch },
        style.mismatchStatus,
      )
    case 'in-progress':
      return refusal(style, 'idempotency-in-progress', {
        detail: 'The first attempt with this key is still running. Send the same request again after the time given.',
        retryAfterMs: conclusion.retryAfterMs,
        started_at: iso(conclusion.startedAtMs),
      })
    case 'unknown':
      return refusal(style, 'idempotency-outcome-unknown', {
        detail: 'An earlier attempt may have taken effect, and nobody can say yet. Do not send it under another key.',
        retryable: false,
        operation: conclusion.record.id,
        since: iso(conclusion.record.sinceMs),
        reason: conclusion.record.reason,
        safe_new_key: false,
      })
    case 'expired':
      return refusal(style, 'idempotency-key-expired', {
        detail: 'The operation of this key ended so long ago that its answer is no longer kept. It is not run again.',
        outcome: conclusion.record.status < 400 ? 'applied' : 'none',
        operation: conclusion.record.id,
        expired_at: iso(conclusion.record.expiredAtMs),
      })
    case 'unavailable':
      return refusal(style, 'idempotency-unavailable', {
        detail:
          conclusion.effect === 'none'
            ? 'The record of operations could not be reached. Nothing happened; send the same request again.'
            : 'The outcome could not be recorded. Send the same request again with the same key to learn it.',
        outcome: conclusion.effect,
        retryAfterMs: 1000,
        ...(isRepriseError(conclusion.error) ? { reason: conclusion.error.code } : {}),
      })
  }
}

/** The answer where the handler said that nothing happened; `undefined` for any other error. */
export function refuseNotApplied(style: ProblemStyle, error: unknown): HttpResponse | undefined {
  if (!isNotApplied(error)) return undefined
  return refusal(style, 'idempotency-not-applied', {
    detail: 'The request was not applied. Nothing happened; send it again with the same key.',
    retryAfterMs: error.retryAfterMs ?? 1000,
  })
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
