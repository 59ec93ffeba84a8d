/** Answers through Fastify's reply, so that the hooks of the application (CORS, compression) see it. */

import { isUtf8 } from 'node:buffer'
import { Readable } from 'node:stream'
import type { HeaderLine } from '../../engine/record.ts'
import type { HttpResponse } from '../../http/answer.ts'

/** The part of a FastifyReply that is used here. */
export interface FastifyReply {
  /** Of node:http, or of node:http2. */
  readonly raw: object
  code(status: number): unknown
  header(name: string, value: string | string[]): unknown
  removeHeader(name: string): unknown
  getHeaders(): Record<string, number | string | string[] | undefined>
  send(payload?: unknown): unknown
}

/** Sets status and headers, and returns the payload to send. */
export function prepare(reply: FastifyReply, response: HttpResponse, added: readonly HeaderLine[]): Payload {
  const { status, headers, body } = response
  reply.code(status)
  let typed: string | undefined
  const fields = new Map<string, string[]>()
  for (const lines of [headers, added]) {
    for (const [name, value] of lines) {
      const lower = name.toLowerCase()
      if (lower === 'content-type') typed = value
      const values = fields.get(lower)
      if (values === undefined) fields.set(lower, [value])
      else values.push(value)
    }
  }
  for (const [name, values] of fields) reply.header(name, values.length === 1 ? (values[0] as string) : values)
  // `null` would be serialised.
  if (body === null) return undefined
  if (typed !== undefined) {
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    // The same bytes: Node sends a string in one piece with the head, which saves microseconds for each answer.
    // To JSON without a charset Fastify would add one, unless it is given bytes.
    return bytes.length <= inOnePiece && withCharset.test(typed) && isUtf8(bytes) ? bytes.toString('utf8') : bytes
  }
  // Fastify would give bytes a type that the answer did not have. A stream it leaves as it is.
  reply.header('content-length', String(body.byteLength))
  return Readable.from([body])
}

/** Beyond this, copying the body costs more than a second piece. */
const inOnePiece = 16_384
const withCharset = /^text\/|;\s*charset=utf-8/i

export type Payload = Buffer | string | Readable | undefined
