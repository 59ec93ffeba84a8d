/** Sends a response through a ServerResponse, whoever has hooked it. */

import { type OutgoingHttpHeader, ServerResponse } from 'node:http'
import type { HeaderLine } from '../../engine/record.ts'
import type { HttpResponse } from '../../http/answer.ts'

/** The two methods to send with: those from before the response was held back. */
export interface Outlet {
  readonly writeHead: (this: ServerResponse, ...args: readonly unknown[]) => unknown
  readonly end: (this: ServerResponse, ...args: readonly unknown[]) => unknown
}

/** Node's own `writeHead`, which no middleware has replaced. */
// oxlint-disable-next-line typescript/unbound-method -- compared, never called
const plain: unknown = ServerResponse.prototype.writeHead

/**
 * Sends `response` with the lines of `added`.
 *
 * `over`: what is already set on the response stays, unless a line says otherwise; `alone`: it does not.
 */
export function send(
  target: ServerResponse,
  response: HttpResponse,
  added: readonly HeaderLine[],
  mode: 'over' | 'alone',
  outlet: Outlet = target as unknown as Outlet,
): void {
  const { status, body } = response
  const lines: HeaderLine[] = [...response.headers, ...added]
  // RFC 9110 §8.6: none of these may have the field. Elsewhere it is always there, or Node would choose chunks.
  if (status !== 204 && status !== 304 && status >= 200) lines.push(['content-length', String(body?.byteLength ?? 0)])
  // A reason of the handler's own is lost on a replay, so the first answer doesn't have it either.
  if (target instanceof ServerResponse) target.statusMessage = ''
  const untouched = outlet.writeHead === plain && target.getHeaderNames().length === 0
  if (untouched) {
    outlet.writeHead.call(target, status, lines)
  } else {
    target.statusCode = status
    setHeaders(target, lines, mode)
  }
  if (body === null || status === 204 || status === 304) outlet.end.call(target)
  // The same bytes: Node sends a string in one piece with the head, which saves microseconds for each answer.
  else if (untouched && body.byteLength <= inOnePiece) outlet.end.call(target, latin1(body), 'latin1')
  else outlet.end.call(target, body)
}

/** Beyond this, copying the body costs more than a second piece. */
const inOnePiece = 16_384

function latin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
}

/** By `setHeader`, since what hooks a response looks for its headers there. */
function setHeaders(target: ServerResponse, lines: readonly HeaderLine[], mode: 'over' | 'alone'): void {
  const fields = grouped(lines)
  if (mode === 'alone') {
    for (const name of target.getHeaderNames()) if (!fields.has(name)) target.removeHeader(name)
  }
  target.removeHeader('transfer-encoding')
  for (const [name, { as, values }] of fields) {
    const before = valuesOf(target.getHeader(name))
    const wanted = mode === 'over' && cumulative.has(name) ? [...before, ...values] : values
    // Setting what is already there would only lose the spelling of its name.
    const same = wanted.length === before.length && wanted.every((value, i) => value === before[i])
    if (!same) target.setHeader(as, wanted.length === 1 ? (wanted[0] as string) : wanted)
  }
}

/** Adding to them never takes away what the middlewares around have said. */
const cumulative = new Set(['set-cookie', 'vary'])

function grouped(lines: readonly HeaderLine[]): Map<string, { readonly as: string; readonly values: string[] }> {
  const fields = new Map<string, { readonly as: string; readonly values: string[] }>()
  for (const [as, value] of lines) {
    const name = as.toLowerCase()
    const field = fields.get(name)
    if (field === undefined) fields.set(name, { as, values: [value] })
    else field.values.push(value)
  }
  return fields
}

function valuesOf(value: OutgoingHttpHeader | undefined): string[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [String(value)]
}
