/**
 * Holds a response back while its handler writes it. To the handler it looks like any response; nothing of it reaches
 * the client until the outcome is durable. It hooks the methods that every way of answering ends in (`json`, `send`,
 * `pipe`, `sendFile`, `redirect`), as own properties of the response, and takes them off again.
 */

import { type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { HeaderLine } from '../../engine/record.ts'
import type { Captured, HttpResponse } from '../../http/answer.ts'
import { decode } from '../../http/content-coding.ts'
import { HangUp } from './hang-up.ts'
import { argumentLines, capturedLines, type HeadersArgument, snapshot } from './head.ts'

type Method = (this: ServerResponse, ...args: readonly unknown[]) => unknown
const hooked = ['writeHead', 'write', 'end', 'flushHeaders', 'destroy', 'emit'] as const
type Methods = Record<(typeof hooked)[number], Method>

const held: unique symbol = Symbol('reprise.held')
type Held = ServerResponse & { [held]: Capture }

/**
 * `holding`: the handler writes. `captured`: it has ended its response, which waits for its outcome. `swallowing`: what it
 * still writes is of no use. `released`: the response is the framework's again.
 */
type State = 'holding' | 'captured' | 'swallowing' | 'released'

const closing = new Set<unknown>(['close', 'finish'])

export class Capture {
  /** Headers set by middlewares around this one, which belong on every answer. */
  readonly before: OutgoingHttpHeaders
  /** The methods of the response as they were: Node's own, or those of a compression mounted outside. */
  readonly own: Methods
  /** The response as the handler made it, where `captured` has its body without a content coding. */
  encoded: HttpResponse | undefined
  readonly #response: ServerResponse
  readonly #limitBytes: number
  #state: State = 'holding'
  #explicit: HeaderLine[] | undefined
  #chunks: Buffer[] = []
  #size = 0
  #statusOfChunks = 0
  #captured: Captured | undefined
  #failure: { readonly error: unknown } | undefined
  #settled: (() => void) | undefined
  #hangUp: HangUp | undefined
  #destroyed = false
  #muted = false

  /** `limitBytes`: how much body may be held back. */
  constructor(response: ServerResponse, limitBytes: number) {
    const methods = response as unknown as Methods
    this.#response = response
    this.#limitBytes = limitBytes
    this.before = snapshot(response.getHeaders())
    this.own = {
      writeHead: methods.writeHead,
      write: methods.write,
      end: methods.end,
      flushHeaders: methods.flushHeaders,
      destroy: methods.destroy,
      emit: methods.emit,
    }
    ;(response as Held)[held] = this
    methods.writeHead = writeHead as Method
    methods.write = write as Method
    methods.end = end as Method
    methods.flushHeaders = flushHeaders as Method
    methods.destroy = destroy as Method
    methods.emit = emit as Method
    if (response.destroyed) this.#hangUp = new HangUp(response)
  }

  /** What the handler answered: at once where it has, since a handler that never waited should cost no turn. */
  result(): Captured | Promise<Captured> {
    if (this.#captured === undefined && this.#failure === undefined) {
      const settled = new Promise<void>((resolve) => {
        this.#settled = resolve
      })
      return settled.then(() => this.result())
    }
    if (this.#failure !== undefined) throw this.#failure.error
    return this.#captured as Captured
  }

  /** Ends the capture with what the handler threw. */
  fail(error: unknown): void {
    if (this.#state !== 'holding') return
    this.#failure = { error }
    this.#swallow()
  }

  /** The handler destroyed its response: it wants the connection cut, not an error page. */
  get destroyed(): boolean {
    return this.#destroyed
  }

  /** Gives the response back. What the handler has not finished writing goes nowhere from here on. */
  release(): void {
    if (this.#state === 'released') return
    const methods = this.#response as unknown as Methods
    const finished = this.#state === 'captured'
    this.#state = 'released'
    if (finished) markEnded(this.#response, false)
    // A middleware inside may have hooked our hooks; those stay, and pass on to what was there before.
    if (methods.writeHead === writeHead) methods.writeHead = this.own.writeHead
    if (methods.flushHeaders === flushHeaders) methods.flushHeaders = this.own.flushHeaders
    if (methods.emit === emit) methods.emit = this.own.emit
    // A handler that is still writing must not write into the answer that goes out in place of its own, nor break it off.
    this.#muted = !finished && this.#failure === undefined
    if (!this.#muted) {
      if (methods.write === write) methods.write = this.own.write
      if (methods.end === end) methods.end = this.own.end
      if (methods.destroy === destroy) methods.destroy = this.own.destroy
    }
    this.#hangUp?.admit()
  }

  /** Takes everything off that the handler has set, for an answer that is not the handler's. */
  reset(): void {
    const response = this.#response
    for (const name of response.getHeaderNames()) if (!(name in this.before)) response.removeHeader(name)
    for (const name in this.before) {
      const value = this.before[name] as OutgoingHttpHeader
      // Setting what is already there would only lose the spelling of its name.
      if (response.getHeader(name) !== value) response.setHeader(name, value)
    }
    response.statusCode = 200
  }

  /** The answer is sent. Where the client was gone before, those who wait for the end of the response learn it now. */
  sent(): void {
    this.#hangUp?.announce()
  }

  writeHead(status: number, reasonOrHeaders?: unknown, headers?: unknown): void {
    if (this.#state !== 'holding') return
    this.#response.statusCode = checkedStatus(status)
    const given = typeof reasonOrHeaders === 'string' ? headers : (reasonOrHeaders ?? headers)
    if (given !== undefined && given !== null) this.#explicit = argumentLines(given as HeadersArgument)
    this.#refuseEndless()
  }

  flushHeaders(): void {
    this.#refuseEndless()
  }

  write(chunk: unknown, encodingOrCallback?: unknown, callback?: unknown): boolean {
    const written = typeof encodingOrCallback === 'function' ? encodingOrCallback : callback
    this.#refuseEndless()
    // Who passes a callback may use its buffer again once that is called.
    this.#add(chunk, encodingOrCallback, typeof written === 'function')
    if (typeof written === 'function') process.nextTick(written as () => void)
    // Never full: the limit ends the capture instead, and nobody would emit `drain`.
    return true
  }

  end(chunk?: unknown, encodingOrCallback?: unknown, callback?: unknown): void {
    const finished = [chunk, encodingOrCallback, callback].find((argument) => typeof argument === 'function')
    if (finished !== undefined) this.#response.once('finish', finished as () => void)
    if (this.#state !== 'holding') return
    this.#refuseEndless()
    if (chunk !== undefined && chunk !== null && chunk !== '' && typeof chunk !== 'function') {
      this.#add(chunk, encodingOrCallback, false)
    } else {
      this.#dropPartial()
    }
    if (this.#state !== 'holding') return
    // First, since it throws for what can't be sent, and the handler may then answer otherwise.
    this.#captured = this.#respond()
    this.#state = 'captured'
    markEnded(this.#response, true)
    this.#settled?.()
  }

  destroy(error: unknown): void {
    if (this.#state !== 'holding') return
    this.#destroyed = true
    this.fail(error ?? new Error('The handler destroyed its response.'))
  }

  /** True for an event that has to wait. */
  holdsBack(event: unknown): boolean {
    if (this.#state === 'released' || !closing.has(event)) return false
    this.#hangUp ??= new HangUp(this.#response)
    this.#hangUp.withheld = true
    return true
  }

  /** The head of the response goes to the client again. */
  get released(): boolean {
    return this.#state === 'released'
  }

  /** And so does its body, because nobody else is writing one. */
  get open(): boolean {
    return this.#state === 'released' && !this.#muted
  }

  #add(chunk: unknown, encoding: unknown, copy: boolean): void {
    if (this.#state !== 'holding') return
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) {
      throw new TypeError(`A chunk of a response is a string or bytes, not ${chunk === null ? 'null' : typeof chunk}.`)
    }
    this.#dropPartial()
    this.#statusOfChunks ||= this.#response.statusCode
    const bytes = bytesOf(chunk, encoding, copy)
    this.#chunks.push(bytes)
    this.#size += bytes.length
    if (this.#size > this.#limitBytes) this.#refuse('too-large')
  }

  /** An error page that follows part of an answer takes its place: without us it would have had to cut the connection. */
  #dropPartial(): void {
    const { statusCode } = this.#response
    if (this.#chunks.length === 0 || statusCode < 500 || statusCode === this.#statusOfChunks) return
    this.#chunks = []
    this.#size = 0
    this.#statusOfChunks = statusCode
  }

  /** RFC 9110 §15.2.2 and the event stream of the HTML standard: neither has an end to wait for. */
  #refuseEndless(): void {
    if (this.#state !== 'holding') return
    if (this.#response.statusCode === 101 || /^text\/event-stream\b/i.test(this.#contentType())) this.#refuse('streams')
  }

  #contentType(): string {
    const explicit = this.#explicit?.find(([name]) => name.length === 12 && name.toLowerCase() === 'content-type')
    return explicit?.[1] ?? String(this.#response.getHeader('content-type') ?? '')
  }

  #refuse(why: 'too-large' | 'streams'): void {
    this.#captured = { kind: 'unholdable', why }
    this.#swallow()
  }

  #swallow(): void {
    this.#state = 'swallowing'
    this.#chunks = []
    this.#settled?.()
  }

  #respond(): Captured {
    const status = checkedStatus(this.#response.statusCode)
    const headers = capturedLines(this.#response.getHeaders(), this.#explicit)
    // RFC 9110 §6.4.1: these have no content, whatever was written.
    if (status === 204 || status === 304 || this.#chunks.length === 0) {
      return { kind: 'response', status, headers, body: null }
    }
    const body = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks, this.#size)
    this.#chunks = []
    return this.#identity({ kind: 'response', status, headers, body })
  }

  /** Without the content coding of a compression mounted inside: the next client may not understand it. */
  #identity(made: Extract<Captured, { kind: 'response' }>): Captured {
    const coding = made.headers.find(([name]) => name.toLowerCase() === 'content-encoding')
    if (coding === undefined || made.body === null) return made
    const decoded = decode(made.body, coding[1], this.#limitBytes)
    if (decoded.kind === 'too-large') return { kind: 'unholdable', why: 'too-large' }
    // A coding that we can't undo stays, and so does its header.
    if (decoded.kind !== 'decoded') return made
    this.encoded = made
    return { ...made, headers: made.headers.filter((line) => line !== coding), body: decoded.bytes }
  }
}

/** So that `writableEnded` tells the handler's framework that its answer is given; Fastify would answer a second time. */
function markEnded(response: ServerResponse, ended: boolean): void {
  // HTTP/2 keeps this elsewhere and lets nobody set it.
  if (response instanceof ServerResponse) (response as { finished: boolean }).finished = ended
}

function checkedStatus(status: number): number {
  const code = status | 0
  if (code >= 100 && code <= 999) return code
  throw Object.assign(new RangeError(`Invalid status code: ${status}`), { code: 'ERR_HTTP_INVALID_STATUS_CODE' })
}

function bytesOf(chunk: string | Uint8Array, encoding: unknown, copy: boolean): Buffer {
  if (typeof chunk === 'string')
    return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
  return copy ? Buffer.from(chunk) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}

// One set of hooks for all responses, since a closure per response and method would cost more than the capture itself.

function writeHead(this: Held, ...args: [number, unknown, unknown]): unknown {
  if (this[held].released) return this[held].own.writeHead.apply(this, args)
  this[held].writeHead(...args)
  return this
}

function write(this: Held, ...args: [unknown, unknown, unknown]): unknown {
  return this[held].open ? this[held].own.write.apply(this, args) : this[held].write(...args)
}

function end(this: Held, ...args: [unknown, unknown, unknown]): unknown {
  if (this[held].open) return this[held].own.end.apply(this, args)
  this[held].end(...args)
  return this
}

function flushHeaders(this: Held): void {
  if (this[held].released) this[held].own.flushHeaders.call(this)
  else this[held].flushHeaders()
}

function destroy(this: Held, error: unknown): unknown {
  if (this[held].open) return this[held].own.destroy.call(this, error)
  this[held].destroy(error)
  return this
}

function emit(this: Held, ...args: unknown[]): unknown {
  return this[held].holdsBack(args[0]) || this[held].own.emit.apply(this, args)
}
