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
  const lines = added.length === 0 ? headers : [...headers, ...added]
  let typed: string | undefined
  for (let at = 0; at < lines.length; at++) {
    const [written, value] = lines[at] as HeaderLine
    const name = written.toLowerCase()
    if (name === 'content-type') typed = value
    const values = valuesFrom(lines, at, name)
    if (values !== undefined) reply.header(name, values)
  }
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

/** All values of a field, at its first line; nothing at its later ones. Fields of one line, nearly all, cost no list. */
function valuesFrom(lines: readonly HeaderLine[], at: number, name: string): string | string[] | undefined {
  let values: string | string[] = (lines[at] as HeaderLine)[1]
  for (let other = 0; other < lines.length; other++) {
    const [otherName, value] = lines[other] as HeaderLine
    if (other === at || otherName.length !== name.length || otherName.toLowerCase() !== name) continue
    if (other < at) return undefined
    values = typeof values === 'string' ? [values, value] : [...values, value]
  }
  return values
}

export type Payload = Buffer | string | Readable | undefined
