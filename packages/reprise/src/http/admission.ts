/**
 * Everything that is asked of a request before the engine sees it, in the order that is safe: early data, principal, key,
 * body, fingerprint. What is refused here leaves no record.
 */

import type { Arrival } from '../engine/arrival.ts'
import { RepriseError } from '../engine/errors.ts'
import { operationId } from '../engine/operation-id.ts'
import type { HeaderLine } from '../engine/record.ts'
import { parseKey } from '../wire/key.ts'
import type { HttpResponse } from './answer.ts'
import { refusal } from './refusals.ts'
import type { HttpRequest } from './request.ts'
import type { CompiledRoute } from './route-options.ts'
import type { Service } from './service.ts'

export type Admission =
  | { readonly kind: 'arrival'; readonly arrival: Arrival; readonly echo: HeaderLine }
  /** Not for Reprise: a safe method, or no key where none is demanded. */
  | { readonly kind: 'pass' }
  | { readonly kind: 'refused'; readonly response: HttpResponse }

/** RFC 9110 §9.2.1: they change nothing, so there is nothing to do once. */
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])
/** How far a key's own time may lie in the future before its clock is taken to be wrong. */
const clockSkewMs = 300_000

/** Throws `principal-invalid` where the service's own function returned no string, and what that function throws. */
export async function admit<Tx>(request: HttpRequest, service: Service<Tx>, route: CompiledRoute): Promise<Admission> {
  const { style } = service
  if (route.key === 'off' || safeMethods.has(request.method)) return { kind: 'pass' }
  if (!route.allowEarlyData && request.headers.get('early-data') === '1') {
    return refused(refusal(style, 'too-early', { detail: 'Send the request again once the TLS handshake is over.' }))
  }

  const asked = service.principalOf(request)
  const principal = typeof asked === 'string' ? asked : await asked
  if (principal === undefined || principal === null || principal === '') {
    return refused(refusal(style, 'principal-missing', { detail: 'The request does not say who is asking.' }))
  }
  if (typeof principal !== 'string' || !principal.isWellFormed()) throw notPrincipal(principal)

  const lines = request.headers.lines(style.names.key)
  const parsed = parseKey(lines, route.grammar)
  if (parsed.kind === 'missing') {
    if (route.key === 'optional') return { kind: 'pass' }
    const detail = `Send ${style.names.key}: a fresh key per operation, and the same one with every retry.`
    return refused(refusal(style, 'idempotency-key-missing', { detail }))
  }
  if (parsed.kind === 'invalid') {
    return refused(refusal(style, 'idempotency-key-invalid', { detail: parsed.detail, reason: parsed.reason }))
  }
  const late = parsed.mintedAtMs === undefined ? undefined : untimely(parsed.mintedAtMs, service, route)
  if (late !== undefined) return refused(late)

  const read = request.body(route.requestLimit)
  const body = read instanceof Promise ? await read : read
  if (body.kind === 'too-large') {
    const detail = `The body is larger than ${route.requestLimit} bytes.`
    return refused(refusal(style, 'request-body-too-large', { detail, limit: route.requestLimit }))
  }
  if (body.kind === 'incomplete') {
    return refused(refusal(style, 'request-body-invalid', { detail: 'The body ended early.', reason: 'incomplete' }))
  }
  const print = route.fingerprint.of(request, body)
  if (print.kind === 'invalid') return refused(refusal(style, print.slug, { detail: print.detail }))

  const scope = route.policy.scope === 'operation' ? route.policy.name : ''
  const id = operationId({ namespace: service.namespace, scope, principal, key: parsed.key }, service.pepper)
  return {
    kind: 'arrival',
    arrival: { id, fingerprint: print.value, key: parsed.key, principal },
    echo: [style.names.key, (lines[0] as string).trim()],
  }
}

function refused(response: HttpResponse): Admission {
  return { kind: 'refused', response }
}

function notPrincipal(principal: unknown): RepriseError {
  const what = typeof principal === 'string' ? 'not well-formed Unicode' : `a ${typeof principal}`
  return new RepriseError('principal-invalid', `The principal is ${what}.`)
}

/** A key that carries its time needs no record to be refused as too old (or as not yet made). */
function untimely<Tx>(mintedAtMs: number, service: Service<Tx>, route: CompiledRoute): HttpResponse | undefined {
  const horizonMs = route.policy.retentionMs + route.policy.tombstoneMs
  // A key from a clock that is ahead may be used, and forgotten, that much before its own time says so.
  const aheadMs = Math.min(clockSkewMs, horizonMs / 2)
  const nowMs = service.engine.ports.clock.now()
  if (mintedAtMs > nowMs + aheadMs) {
    const detail = 'The key was made in the future; check the clock of the machine that makes keys.'
    return refusal(service.style, 'idempotency-key-invalid', { detail, reason: 'from-future' })
  }
  if (mintedAtMs + horizonMs - aheadMs < nowMs) {
    const detail = 'The key is older than anything that is remembered here. It is not run.'
    return refusal(service.style, 'idempotency-key-expired', { detail, outcome: 'unknown' })
  }
  return undefined
}
