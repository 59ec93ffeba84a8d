/**
 * The pipeline of one route. Its order is fixed, and the only one that is safe:
 *
 * early data → principal → key syntax → body under a cap, fingerprint → claim or find → [a replay ends here] →
 * handler → settle → answer.
 *
 * The principal comes before any lookup, so that nobody is answered from a record who would not be let in today; a
 * replay comes before anything that the handler would check, so that a retry learns what happened rather than what
 * would happen now.
 */

import type { Attempt } from '../engine/attempt.ts'
import type { Conclusion, Verdict } from '../engine/conclusion.ts'
import type { Engine } from '../engine/engine.ts'
import { RepriseError } from '../engine/errors.ts'
import { operationId, type Pepper } from '../engine/operation-id.ts'
import type { Completed, HeaderLine } from '../engine/record.ts'
import { printHttpDate } from '../wire/http-date.ts'
import { parseKey } from '../wire/key.ts'
import type { Answer, Captured, HttpResponse } from './answer.ts'
import { classify } from './classify.ts'
import { type Fingerprint, mismatchedDimensions } from './fingerprint.ts'
import { type ProblemStyle, refusal, refuseConclusion, refuseNotApplied } from './refusals.ts'
import type { HttpRequest } from './request.ts'
import type { CompiledRoute } from './route-options.ts'
import { replayableHeaders, storedHeaders } from './stored-headers.ts'

/** Who asks: a stable name of the account or tenant, or nothing where the request is not authenticated. */
export type PrincipalOf = (request: HttpRequest) => string | null | undefined | Promise<string | null | undefined>

/** What all routes of a service share. */
export interface Service<Tx> {
  readonly engine: Engine<Tx>
  readonly principalOf: PrincipalOf
  readonly namespace: string
  readonly pepper: Pepper | undefined
  /** The fingerprint of operations that no request brought. */
  readonly fingerprint: Fingerprint
  readonly style: ProblemStyle
  readonly requestId: ((request: HttpRequest) => string | null | undefined) | undefined
  readonly onFault: (error: unknown, facts: { policy: string; effect: 'none' | 'unknown' }) => void
}

/** RFC 9110 §9.2.1: they change nothing, so there is nothing to do once. */
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])
/** How far a key's own time may lie in the future before its clock is taken to be wrong. */
const clockSkewMs = 300_000
/** The line of a stored outcome that names the request which ran; sent with replays only. */
const originLine = 'idempotency-original-request'

/** What a run of the handler left for the answer. */
interface Run {
  captured: Captured | undefined
}

export class Route<Tx> {
  readonly #service: Service<Tx>
  readonly #route: CompiledRoute

  constructor(service: Service<Tx>, route: CompiledRoute) {
    this.#service = service
    this.#route = route
  }

  /** Bytes of response body that capture may hold back. */
  get responseBuffer(): number {
    return this.#route.responseBuffer
  }

  /**
   * Answers one request. `run` calls the handler and is called at most once; when this resolves, what it resolves to
   * is durable and may be sent.
   */
  async handle(request: HttpRequest, run: (attempt: Attempt<Tx>) => Captured | Promise<Captured>): Promise<Answer> {
    const { style, engine } = this.#service
    const { key: demand, policy } = this.#route
    if (demand === 'off' || safeMethods.has(request.method)) return { kind: 'pass' }
    if (!this.#route.allowEarlyData && request.headers.get('early-data') === '1') {
      return refuse(refusal(style, 'too-early', { detail: 'Send the request again once the TLS handshake is over.' }))
    }

    const asked = this.#service.principalOf(request)
    const principal = typeof asked === 'string' ? asked : await asked
    if (principal === undefined || principal === null || principal === '') {
      return refuse(refusal(style, 'principal-missing', { detail: 'The request does not say who is asking.' }))
    }
    if (typeof principal !== 'string' || !principal.isWellFormed()) {
      throw new RepriseError(
        'principal-invalid',
        `The principal is ${typeof principal === 'string' ? 'not well-formed Unicode' : `a ${typeof principal}`}.`,
      )
    }

    const lines = request.headers.lines(style.names.key)
    const parsed = parseKey(lines, this.#route.grammar)
    if (parsed.kind === 'missing') {
      if (demand === 'optional') return { kind: 'pass' }
      const detail = `Send ${style.names.key}: a fresh key per operation, and the same one with every retry.`
      return refuse(refusal(style, 'idempotency-key-missing', { detail }))
    }
    if (parsed.kind === 'invalid') {
      return refuse(refusal(style, 'idempotency-key-invalid', { detail: parsed.detail, reason: parsed.reason }))
    }
    const untimely = parsed.mintedAtMs === undefined ? undefined : this.#untimely(parsed.mintedAtMs)
    if (untimely !== undefined) return refuse(untimely)

    const read = request.body(this.#route.requestLimit)
    const body = read instanceof Promise ? await read : read
    if (body.kind === 'too-large') {
      const detail = `The body is larger than ${this.#route.requestLimit} bytes.`
      return refuse(refusal(style, 'request-body-too-large', { detail, limit: this.#route.requestLimit }))
    }
    if (body.kind === 'incomplete') {
      return refuse(refusal(style, 'request-body-invalid', { detail: 'The body ended early.', reason: 'incomplete' }))
    }
    const print = this.#route.fingerprint.of(request, body)
    if (print.kind === 'invalid') return refuse(refusal(style, print.slug, { detail: print.detail }))

    const scope = policy.scope === 'operation' ? policy.name : ''
    const id = operationId(
      { namespace: this.#service.namespace, scope, principal, key: parsed.key },
      this.#service.pepper,
    )
    const origin = this.#service.requestId?.(request)
    const ran: Run = { captured: undefined }
    const conclusion = await engine.perform(
      { id, fingerprint: print.value, key: parsed.key, principal },
      policy,
      (attempt) => {
        const captured = run(attempt)
        if ('then' in captured) return captured.then((late) => this.#judge(late, ran, origin))
        return this.#judge(captured, ran, origin)
      },
    )
    const echo: HeaderLine = [style.names.key, (lines[0] as string).trim()]
    return this.#answer(conclusion, ran.captured, echo, print.value)
  }

  /** A key that carries its time needs no record to be refused as too old (or as not yet made). */
  #untimely(mintedAtMs: number): HttpResponse | undefined {
    const { style, engine } = this.#service
    const { retentionMs, tombstoneMs } = this.#route.policy
    const nowMs = engine.ports.clock.now()
    if (mintedAtMs > nowMs + clockSkewMs) {
      const detail = 'The key was made in the future; check the clock of the machine that makes keys.'
      return refusal(style, 'idempotency-key-invalid', { detail, reason: 'from-future' })
    }
    if (mintedAtMs + retentionMs + tombstoneMs < nowMs) {
      const detail = 'The key is older than anything that is remembered here. It is not run.'
      return refusal(style, 'idempotency-key-expired', { detail, outcome: 'unknown' })
    }
    return undefined
  }

  #judge(captured: Captured, ran: Run, origin: string | null | undefined): Verdict {
    ran.captured = captured
    if (captured.kind === 'unholdable') return { kind: 'fail' }
    const meaning = classify(captured.status, this.#route.statuses)
    if (meaning === 'release' || meaning === 'fail') return { kind: meaning }
    const headers = storedHeaders(captured.headers, this.#route.storedHeaders)
    if (origin !== undefined && origin !== null) headers.push([originLine, origin])
    const { status, body } = captured
    const kept = body === null || (!this.#route.sensitive && body.byteLength <= this.#route.responseLimit)
    return {
      kind: meaning,
      outcome: kept ? { status, headers, body } : { status, headers, body: null, bodyKept: false },
    }
  }

  #answer(conclusion: Conclusion, captured: Captured | undefined, echo: HeaderLine, fingerprint: string): Answer {
    const { style, onFault } = this.#service
    const { name } = this.#route.policy
    switch (conclusion.kind) {
      case 'executed':
        if (captured?.kind !== 'response') return this.#replay(conclusion.record, echo)
        return { kind: 'own', response: captured, added: [echo, this.#expires(conclusion.record)] }
      case 'replayed':
        return this.#replay(conclusion.record, echo)
      case 'released': {
        if (captured?.kind === 'response') {
          const retry: HeaderLine[] = captured.status >= 500 ? [[style.names.shouldRetry, 'true']] : []
          return { kind: 'own', response: captured, added: [echo, ...retry] }
        }
        if (captured?.kind === 'unholdable') return refuse(this.#unholdable(captured.why), echo)
        const notApplied = refuseNotApplied(style, conclusion.error)
        if (notApplied !== undefined) return refuse(notApplied, echo)
        return { kind: 'threw', error: conclusion.error, added: [echo, [style.names.shouldRetry, 'true']] }
      }
      case 'unknown':
        if (conclusion.error !== undefined) onFault(conclusion.error, { policy: name, effect: 'unknown' })
        return refuse(refuseConclusion(style, conclusion, []), echo)
      case 'unavailable':
        onFault(conclusion.error, { policy: name, effect: conclusion.effect })
        return refuse(refuseConclusion(style, conclusion, []), echo)
      case 'mismatch': {
        const differs = mismatchedDimensions(conclusion.record.fingerprint, fingerprint)
        return refuse(refuseConclusion(style, conclusion, differs), echo)
      }
      case 'in-progress':
      case 'expired':
        return refuse(refuseConclusion(style, conclusion, []), echo)
    }
  }

  #replay(record: Completed, echo: HeaderLine): Answer {
    const { names } = this.#service.style
    const { outcome } = record
    if (outcome.bodyKept === false) return refuse(this.#notKept(record), echo)
    const headers = replayableHeaders(outcome.headers)
    const origin = headers.findIndex(([name]) => name === originLine)
    if (origin >= 0) headers.splice(origin, 1, [names.originalRequest, (headers[origin] as HeaderLine)[1]])
    headers.push([names.replayed, 'true'], echo, this.#expires(record))
    return { kind: 'response', response: { status: outcome.status, headers, body: outcome.body } }
  }

  #notKept(record: Completed): HttpResponse {
    const location = record.outcome.headers.find(([name]) => name === 'location')
    const made = refusal(this.#service.style, 'idempotency-response-not-kept', {
      detail: 'The operation was applied, but its answer was not kept and can not be sent again.',
      outcome: record.outcome.status < 400 ? 'applied' : 'none',
      original_status: record.outcome.status,
      ...(location === undefined ? {} : { location: location[1] }),
    })
    return location === undefined ? made : { ...made, headers: [...made.headers, location] }
  }

  #unholdable(why: 'too-large' | 'streams'): HttpResponse {
    const detail =
      why === 'streams'
        ? 'The handler answers with a stream that has no end, which can not be settled before it is sent.'
        : `The answer is larger than the ${this.#route.responseBuffer} bytes that are held back until it is recorded.`
    return refusal(this.#service.style, 'idempotency-response-too-large', { detail, reason: why })
  }

  #expires(record: Completed): HeaderLine {
    return [this.#service.style.names.expires, httpDate(record.retainUntilMs)]
  }
}

function refuse(response: HttpResponse, echo?: HeaderLine): Answer {
  if (echo === undefined) return { kind: 'response', response }
  return { kind: 'response', response: { ...response, headers: [...response.headers, echo] } }
}

let printedSecond = -1
let printed = ''

/** Most answers of one second expire in the same second, so the last text is kept. */
function httpDate(ms: number): string {
  const second = Math.floor(ms / 1000)
  if (second !== printedSecond) {
    printedSecond = second
    printed = printHttpDate(ms)
  }
  return printed
}
