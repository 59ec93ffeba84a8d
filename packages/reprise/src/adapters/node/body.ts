/** Reads the body of an incoming message and puts it back, so that whatever parses it next finds it untouched. */

import type { IncomingMessage } from 'node:http'
import { bodyConsumed } from '../../http/handler-errors.ts'
import type { RequestBody } from '../../http/request.ts'
import type { MountedRequest } from './mounted-request.ts'

const nothing: RequestBody = { kind: 'bytes', bytes: new Uint8Array(0) }

/**
 * The bytes of the body, which stay readable: by `data`, `read()`, `for await` or a pipe. Where a parser was there first,
 * what it has kept or made.
 *
 * Throws `body-consumed` where somebody has read the body and left nothing of it.
 */
export function readBody(request: MountedRequest, limitBytes: number): RequestBody | Promise<RequestBody> {
  // RFC 9112 §6.3: without either field, a request has no body. The stream is left alone: its `end` is for the handler.
  // HTTP/2 has its own framing and needs neither.
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers
  if (length === '0' || (length === undefined && coding === undefined && request.httpVersionMajor < 2)) return nothing
  if (Number(length) > limitBytes) return { kind: 'too-large' }

  if (request.readableEnded || request.readableFlowing === true) return afterParser(request, limitBytes)
  if (request.destroyed && request.readableLength === 0) return { kind: 'incomplete' }
  return new Promise((resolve) => {
    // Not before the packet that brought the head is parsed to its end: a body that turns out empty must not be read at
    // all, since reading it would let `end` go by before the handler listens.
    process.nextTick(() => new Reading(request, limitBytes, resolve).start())
  })
}

class Reading {
  readonly #request: IncomingMessage
  readonly #limitBytes: number
  readonly #resolve: (body: RequestBody) => void
  readonly #chunks: Buffer[] = []
  #size = 0

  constructor(request: IncomingMessage, limitBytes: number, resolve: (body: RequestBody) => void) {
    this.#request = request
    this.#limitBytes = limitBytes
    this.#resolve = resolve
  }

  start(): void {
    // A small body is here already, and needs no listeners.
    if (this.#read()) return
    // `data` would make the stream flow, and a flowing stream ends before anything could be put back.
    this.#request.on('readable', this.#onReadable)
    this.#request.on('close', this.#cut)
  }

  /** True when the reading is over. */
  #read(): boolean {
    const request = this.#request
    // Asking an empty, ended stream for more makes it emit `end`.
    while (request.readableLength > 0) {
      const chunk: unknown = request.read()
      if (chunk === null) break
      const bytes =
        typeof chunk === 'string' ? Buffer.from(chunk, request.readableEncoding ?? 'utf8') : (chunk as Buffer)
      this.#chunks.push(bytes)
      this.#size += bytes.length
    }
    if (this.#size > this.#limitBytes) {
      this.#end({ kind: 'too-large' })
      // The rest is read and dropped, as Node does with a body that nobody wants: closing the connection under a client
      // that still sends resets it, and the client never sees the 413.
      request.resume()
      return true
    }
    if (hasArrived(request)) {
      const bytes = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks, this.#size)
      // In the same turn as the last read, while Node still lets the stream take something back.
      if (bytes.length > 0) request.unshift(bytes)
      this.#end({ kind: 'bytes', bytes })
      return true
    }
    if (request.destroyed) this.#cut()
    return request.destroyed
  }

  readonly #onReadable = (): void => {
    this.#read()
  }

  readonly #cut = (): void => this.#end({ kind: 'incomplete' })

  #end(body: RequestBody): void {
    this.#request.removeListener('readable', this.#onReadable)
    this.#request.removeListener('close', this.#cut)
    this.#resolve(body)
  }
}

/**
 * The last byte is here, whether read or not. Node has no public word for it: `complete` also means a request that was
 * cut off, under HTTP/2, or one that has not begun to hand out its body, in functions that build their own.
 */
function hasArrived(request: IncomingMessage & { readonly _readableState?: { readonly ended: boolean } }): boolean {
  return request._readableState?.ended ?? request.complete
}

function afterParser({ rawBody, body }: MountedRequest, limitBytes: number): RequestBody {
  if (typeof rawBody === 'string' || rawBody instanceof Uint8Array) {
    const bytes = typeof rawBody === 'string' ? Buffer.from(rawBody) : rawBody
    return bytes.length > limitBytes ? { kind: 'too-large' } : { kind: 'bytes', bytes }
  }
  if (body === undefined) throw bodyConsumed()
  return { kind: 'parsed', value: body }
}
