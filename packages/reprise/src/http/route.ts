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
import type { HeaderLine } from '../engine/record.ts'
import { admit } from './admission.ts'
import type { Answer, Captured, HttpResponse } from './answer.ts'
import { classify } from './classify.ts'
import { mismatchedDimensions } from './fingerprint.ts'
import { refusal, refuseConclusion, refuseNotApplied } from './refusals.ts'
import { expiresLine, originLine, replay } from './replay.ts'
import type { HttpRequest } from './request.ts'
import type { CompiledRoute } from './route-options.ts'
import type { Service } from './service.ts'
import { storedHeaders } from './stored-headers.ts'

/** What a run of the handler left for the answer. */
interface Run {
  started: boolean
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
    const admission = await admit(request, this.#service, this.#route)
    if (admission.kind === 'pass') return admission
    if (admission.kind === 'refused') return { kind: 'response', response: admission.response }

    const { arrival, echo } = admission
    const origin = this.#service.requestId?.(request)
    const ran: Run = { started: false, captured: undefined }
    const conclusion = await this.#service.engine.perform(arrival, this.#route.policy, (attempt) => {
      ran.started = true
      const captured = run(attempt)
      if ('then' in captured) return captured.then((late) => this.#judge(late, ran, origin))
      return this.#judge(captured, ran, origin)
    })
    return this.#answer(conclusion, request, ran, echo, arrival.fingerprint)
  }

  #judge(captured: Captured, ran: Run, origin: string | null | undefined): Verdict {
    ran.captured = captured
    if (captured.kind === 'unholdable') return { kind: 'fail' }
    const meaning = classify(captured.status, this.#route.statuses)
    if (meaning === 'release' || meaning === 'fail') return { kind: meaning }
    const headers = storedHeaders(captured.headers, this.#route.storedHeaders)
    if (origin !== undefined && origin !== null) headers.push([originLine, origin])
    const { status, body } = captured
    const kept =
      body === null || (this.#route.keepsBody && body.byteLength <= this.#route.responseLimit && !coded(captured))
    return {
      kind: meaning,
      outcome: kept ? { status, headers, body } : { status, headers, body: null, bodyKept: false },
    }
  }

  async #answer(
    conclusion: Conclusion,
    request: HttpRequest,
    { started, captured }: Run,
    echo: HeaderLine,
    fingerprint: string,
  ): Promise<Answer> {
    const { style, onFault } = this.#service
    const policy = this.#route.policy.name
    switch (conclusion.kind) {
      case 'executed':
      case 'replayed': {
        if (conclusion.kind === 'executed' && captured?.kind === 'response') {
          return { kind: 'own', response: captured, added: [echo, expiresLine(conclusion.record, style)] }
        }
        return answered(await replay(conclusion.record, request, this.#route.replay, style), echo)
      }
      case 'released': {
        if (captured?.kind === 'response') {
          const retry: HeaderLine[] = captured.status >= 500 ? [[style.names.shouldRetry, 'true']] : []
          return { kind: 'own', response: captured, added: [echo, ...retry] }
        }
        if (captured?.kind === 'unholdable') return answered(this.#unholdable(captured.why), echo)
        const notApplied = refuseNotApplied(style, conclusion.error)
        if (notApplied !== undefined) return answered(notApplied, echo)
        return { kind: 'threw', error: conclusion.error, added: [echo, [style.names.shouldRetry, 'true']] }
      }
      case 'unknown':
        if (conclusion.error !== undefined) onFault(conclusion.error, { policy, effect: 'unknown' })
        return answered(refuseConclusion(style, conclusion, []), echo)
      case 'unavailable':
        if (this.#route.runsUnguarded && !started) {
          onFault(conclusion.error, { policy, effect: 'unguarded' })
          return { kind: 'pass' }
        }
        onFault(conclusion.error, { policy, effect: conclusion.effect })
        return answered(refuseConclusion(style, conclusion, []), echo)
      case 'mismatch': {
        const differs = mismatchedDimensions(conclusion.record.fingerprint, fingerprint)
        return answered(refuseConclusion(style, conclusion, differs), echo)
      }
      case 'in-progress':
      case 'expired':
        return answered(refuseConclusion(style, conclusion, []), echo)
    }
  }

  #unholdable(why: 'too-large' | 'streams'): HttpResponse {
    const detail =
      why === 'streams'
        ? 'The handler answers with a stream that has no end, which can not be settled before it is sent.'
        : `The answer is larger than the ${this.#route.responseBuffer} bytes that are held back until it is recorded.`
    return refusal(this.#service.style, 'idempotency-response-too-large', { detail, reason: why })
  }
}

/** A coding that capture could not undo: a later client may not understand these bytes, so they can't be its replay. */
function coded({ headers }: HttpResponse): boolean {
  return headers.some(
    ([name, value]) => name.toLowerCase() === 'content-encoding' && value.toLowerCase() !== 'identity',
  )
}

function answered(response: HttpResponse, echo: HeaderLine): Answer {
  return { kind: 'response', response: { ...response, headers: [...response.headers, echo] } }
}
