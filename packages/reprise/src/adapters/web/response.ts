/** Responses of the Fetch API: captured, and made. Bytes stay bytes. */

import type { HeaderLine } from '../../engine/record.ts'
import type { Captured, HttpResponse } from '../../http/answer.ts'
import { decode } from '../../http/content-coding.ts'
import { readStream } from './bytes.ts'

/** Made anew when the response is sent, since they describe the transfer and not the answer. */
const framing = new Set(['content-length', 'transfer-encoding', 'trailer'])

/** Holds a response back: reads it to its end. */
export async function captureResponse(response: Response, limitBytes: number): Promise<Captured> {
  if (response.status === 101 || /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')) {
    response.body?.cancel().catch(() => undefined)
    return { kind: 'unholdable', why: 'streams' }
  }
  const headers = linesOf(response.headers)
  const { status } = response
  if (response.body === null) return { kind: 'response', status, headers, body: null }
  const body = await readStream(response.body, limitBytes)
  if (body === undefined) return { kind: 'unholdable', why: 'too-large' }

  // A compression mounted inside: the next client may not understand its coding.
  const coding = headers.find(([name]) => name === 'content-encoding')
  if (coding === undefined) return { kind: 'response', status, headers, body }
  const decoded = decode(body, coding[1], limitBytes)
  if (decoded.kind === 'too-large') return { kind: 'unholdable', why: 'too-large' }
  if (decoded.kind !== 'decoded') return { kind: 'response', status, headers, body }
  return { kind: 'response', status, headers: headers.filter((line) => line !== coding), body: decoded.bytes }
}

/** One line for each Set-Cookie, whose values can't be joined (RFC 6265 §3). */
function linesOf(headers: Headers): HeaderLine[] {
  const lines: HeaderLine[] = []
  for (const [name, value] of headers) if (name !== 'set-cookie' && !framing.has(name)) lines.push([name, value])
  for (const cookie of headers.getSetCookie()) lines.push(['set-cookie', cookie])
  return lines
}

/** The statuses that the Fetch standard allows no body, not even an empty one. */
const withoutBody = new Set([101, 103, 204, 205, 304])

/** A Response, with the lines of `added` and over those of `before`. */
export function makeResponse(response: HttpResponse, added: readonly HeaderLine[] = [], before?: Headers): Response {
  const headers = new Headers(before)
  for (const [name] of response.headers) if (name.toLowerCase() !== 'vary') headers.delete(name)
  for (const [name, value] of response.headers) headers.append(name, value)
  for (const [name, value] of added) headers.set(name, value)
  const body = withoutBody.has(response.status) ? null : (response.body as Uint8Array<ArrayBuffer> | null)
  return new Response(body, { status: response.status, headers })
}
