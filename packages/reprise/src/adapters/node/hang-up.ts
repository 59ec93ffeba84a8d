/**
 * A client that hangs up must not stop an effect that has begun. But `pipe` stops on `close`, `pipeline` and `sendFile` on
 * a destroyed socket, and Fastify does not answer for a handler whose socket is gone: the handler would never end its
 * response, and its outcome would never be known. So while a response is held back, a lost connection looks alive.
 */

import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

interface Closing {
  destroyed: boolean
  /** What `finished()` of node:stream looks at. */
  _closed: boolean
}

const alive = { destroyed: { value: false }, writable: { value: true } }

export class HangUp {
  /** A `close` was kept from those who listen. */
  withheld = false
  readonly #response: ServerResponse
  readonly #socket: Socket | null | undefined

  constructor(response: ServerResponse) {
    this.#response = response
    // HTTP/2 streams have another life: there, a response is never destroyed under its handler.
    if (!(response instanceof ServerResponse)) return
    this.#socket = response.socket
    setClosed(response, false)
    if (this.#socket === null) return
    const socket = Object.create(this.#socket, alive) as Socket
    setSocket(response, socket)
    // Set where the request had not been read to its end, which a handler without a body never does.
    response.req.aborted = false
  }

  /** Tells the truth again. */
  admit(): void {
    if (!(this.#response instanceof ServerResponse)) return
    setClosed(this.#response, true)
    if (this.#socket) setSocket(this.#response, this.#socket)
  }

  announce(): void {
    if (this.withheld) this.#response.emit('close')
  }
}

function setClosed(response: ServerResponse, closed: boolean): void {
  const state = response as unknown as Closing
  state.destroyed = closed
  state._closed = closed
}

function setSocket(response: ServerResponse, socket: Socket): void {
  ;(response as { socket: Socket | null }).socket = socket
  ;(response.req as IncomingMessage).socket = socket
}
