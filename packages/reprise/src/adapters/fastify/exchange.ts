/** One request in the middleware style: the handler runs inside `preHandler`, and what it sends is captured. */

import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { HeaderLine } from '../../engine/record.ts'
import type { Answer, HttpResponse } from '../../http/answer.ts'
import { isNotApplied } from '../../http/handler-errors.ts'
import type { Route } from '../../http/route.ts'
import { Capture } from '../node/capture.ts'
import { headerLines, snapshot } from '../node/head.ts'
import { send } from '../node/send.ts'
import { attemptOf, runsIn } from '../shared/attempt-of.ts'
import { type FastifyReply, prepare } from './reply.ts'
import { FastifyArrival, type FastifyRequest } from './request.ts'

const captureOf: unique symbol = Symbol('reprise.capture')
type Capturing = { [captureOf]?: Capture }

/** Fastify answers for a handler that throws, and then nobody would know what the error says about the effect. */
export function heedNotApplied(request: FastifyRequest, _reply: FastifyReply, error: Error, done: () => void): void {
  if (isNotApplied(error)) (request as Capturing)[captureOf]?.fail(error)
  done()
}

export class Exchange<Tx> {
  readonly #route: Route<Tx>
  readonly #request: FastifyRequest
  readonly #reply: FastifyReply
  readonly #done: (error?: Error) => void
  #capture: Capture | undefined
  /** Headers from before the handler ran, of which Fastify keeps its own until it sends them. */
  #before: OutgoingHttpHeaders = {}

  constructor(route: Route<Tx>, request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) {
    this.#route = route
    this.#request = request
    this.#reply = reply
    this.#done = done
  }

  start(): void {
    // A second protection of the same request would claim the key that the first one holds.
    if (attemptOf(this.#request) !== undefined) {
      this.#done()
      return
    }
    this.#route
      .handle(new FastifyArrival(this.#request), (attempt) => {
        runsIn(this.#request, attempt)
        this.#before = snapshot(this.#reply.getHeaders() as OutgoingHttpHeaders)
        const capture = new Capture(this.#reply.raw as ServerResponse, this.#route.responseBuffer)
        this.#capture = capture
        ;(this.#request as Capturing)[captureOf] = capture
        this.#done()
        return capture.result()
      })
      .then(
        (answer) => {
          try {
            this.#answer(answer)
          } catch (error) {
            this.#fail(error, [])
          }
        },
        (error: unknown) => this.#fail(error, []),
      )
  }

  #answer(answer: Answer): void {
    const capture = this.#capture
    if (answer.kind === 'pass') {
      this.#done()
    } else if (answer.kind === 'threw') {
      this.#fail(answer.error, answer.added)
    } else if (capture === undefined) {
      // The handler has not run and the reply is untouched: the hooks of the application have their part in this one.
      this.#reply.send(prepare(this.#reply, answer.response, []))
    } else {
      const raw = this.#release(capture)
      // The hooks have had their part in what the handler sent, such as a compression for this very client.
      if (answer.kind === 'own') send(raw, capture.encoded ?? answer.response, answer.added, 'alone', capture.own)
      else send(raw, this.#overBefore(answer.response), [], 'alone', capture.own)
      capture.sent()
    }
  }

  /** Lets Fastify answer the error, as if the handler had done nothing but throw it. */
  #fail(error: unknown, added: readonly HeaderLine[]): void {
    const capture = this.#capture
    const reported = error instanceof Error ? error : new Error('The handler threw what is no error.', { cause: error })
    if (capture === undefined) {
      this.#done(reported)
      return
    }
    const raw = this.#release(capture)
    if (capture.destroyed || raw.headersSent) {
      raw.destroy(reported)
      return
    }
    capture.reset()
    for (const name in this.#reply.getHeaders()) if (!(name in this.#before)) this.#reply.removeHeader(name)
    for (const [name, value] of added) this.#reply.header(name, value)
    this.#reply.send(reported)
    capture.sent()
  }

  #release(capture: Capture): ServerResponse {
    runsIn(this.#request, undefined)
    capture.release()
    return this.#reply.raw as ServerResponse
  }

  #overBefore(response: HttpResponse): HttpResponse {
    const said = new Set(response.headers.map(([name]) => name.toLowerCase()))
    const before = headerLines(this.#before).filter(([name]) => !said.has(name))
    return { ...response, headers: [...before, ...response.headers] }
  }
}
