/** Fastify's request as the pipeline sees it, and the bytes of its body, overheard while Fastify reads them. */

import { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { HttpRequest, RequestBody, RequestHeaders } from '../../http/request.ts'
import { readBody } from '../node/body.ts'
import type { MountedRequest } from '../node/mounted-request.ts'
import { headerValue } from '../node/request.ts'
import { rawLines } from '../shared/raw-lines.ts'

/** The part of a FastifyRequest that is used here. */
export interface FastifyRequest {
  /** Of node:http, or of node:http2. */
  readonly raw: object
  readonly headers: IncomingMessage['headers']
  readonly method: string
  readonly body: unknown
}

const overheard: unique symbol = Symbol('reprise.overheard')

/** The body as it went by, and the coding that it was in. */
class Overheard {
  readonly stream: Readable
  readonly coding: string | null
  readonly chunks: Buffer[] = []
  size = 0

  constructor(stream: Readable, coding: string | null) {
    this.stream = stream
    this.coding = coding
  }

  readonly listen = (chunk: Buffer | string): void => {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    this.chunks.push(bytes)
    this.size += bytes.length
  }
}

/**
 * Listens to the body while Fastify's parser reads it: no second stream, no second reading. `payload` is what the hooks
 * before have made of the body.
 */
export function overhear(request: FastifyRequest, payload: Readable): void {
  const raw = request.raw as MountedRequest
  // As it came, even where a hook before decompresses it. A hook that has begun to read it leaves only what it made.
  const asItCame = !raw.readableDidRead
  // From the lines as they came: a hook that decompresses may take the header away.
  const coding = asItCame ? rawLines(raw.rawHeaders, 'content-encoding').join(', ') : ''
  const listener = new Overheard(asItCame ? raw : payload, coding === '' ? null : coding)
  // The `on` of streams would set this one flowing, before a later hook or the parser has taken it.
  EventEmitter.prototype.on.call(listener.stream, 'data', listener.listen)
  ;(request as { [overheard]?: Overheard })[overheard] = listener
}

export class FastifyArrival implements HttpRequest, RequestHeaders {
  readonly method: string
  readonly target: string
  readonly native: FastifyRequest

  constructor(request: FastifyRequest) {
    const { originalUrl, url } = request.raw as MountedRequest
    this.method = request.method
    this.target = originalUrl ?? url ?? '/'
    this.native = request
  }

  get headers(): RequestHeaders {
    return this
  }

  get(name: string): string | null {
    const heard = this.#overheard
    return name === 'content-encoding' && heard !== undefined ? heard.coding : headerValue(this.native.headers, name)
  }

  lines(name: string): readonly string[] {
    return rawLines((this.native.raw as IncomingMessage).rawHeaders, name)
  }

  body(limitBytes: number): RequestBody | Promise<RequestBody> {
    const heard = this.#overheard
    if (heard?.stream.readableEnded) {
      if (heard.size > limitBytes) return { kind: 'too-large' }
      const bytes = heard.chunks.length === 1 ? (heard.chunks[0] as Buffer) : Buffer.concat(heard.chunks, heard.size)
      return { kind: 'bytes', bytes }
    }
    const { raw, body } = this.native as { raw: MountedRequest; body: unknown }
    // Read, but not by way of the hook: a route of its own `preParsing`, or a stream that a hook has put in its place.
    if (raw.readableEnded && body !== undefined && body !== null) return { kind: 'parsed', value: body }
    // Not read yet: there is none, or its parser leaves it to the handler, as those of multipart do.
    heard?.stream.removeListener('data', heard.listen)
    return readBody(raw, limitBytes)
  }

  get #overheard(): Overheard | undefined {
    return (this.native as { [overheard]?: Overheard })[overheard]
  }
}
