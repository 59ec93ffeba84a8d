/** The response of an outcome handler. */

import type { HeaderLine } from '../engine/record.ts'
import type { HttpResponse } from './answer.ts'

/** JSON, or a value with `toJSON`. */
export type ReplyBody = Uint8Array | string | number | boolean | null | object | undefined

const encoder = new TextEncoder()

/**
 * Makes a response: bytes as they are, a string as text, `undefined` as no body, and anything else as JSON.
 *
 * @param headers added to the `content-type` that the body implies, or instead of it.
 * @example
 * return reply(201, { id: order.id }, { location: `/orders/${order.id}` })
 */
export function reply(status: number, body?: ReplyBody, headers?: Readonly<Record<string, string>>): HttpResponse {
  const lines: HeaderLine[] = []
  let typed = false
  for (const name in headers) {
    const lower = name.toLowerCase()
    if (lower === 'content-type') typed = true
    lines.push([lower, headers[name] as string])
  }
  if (body === undefined) return { status, headers: lines, body: null }
  const [bytes, type] = encode(body)
  if (!typed) lines.push(['content-type', type])
  return { status, headers: lines, body: bytes }
}

function encode(body: Exclude<ReplyBody, undefined>): [bytes: Uint8Array, type: string] {
  if (body instanceof Uint8Array) return [body, 'application/octet-stream']
  if (typeof body === 'string') return [encoder.encode(body), 'text/plain; charset=utf-8']
  return [encoder.encode(JSON.stringify(body)), 'application/json; charset=utf-8']
}
