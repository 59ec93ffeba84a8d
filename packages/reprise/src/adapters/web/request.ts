/** The request of the Fetch API as the pipeline sees it. Web APIs only. */

import { bodyConsumed } from '../../http/handler-errors.ts'
import type { HttpRequest, RequestBody, RequestHeaders } from '../../http/request.ts'
import { readStream } from './bytes.ts'

/** Path and query of an absolute URL, spelled as they are there. */
export function targetOf(url: string): string {
  const authority = url.indexOf('://') + 3
  const path = url.slice(authority).search(/[/?#]/)
  if (authority === 2 || path === -1) return '/'
  const target = url.slice(authority + path)
  return target.startsWith('/') ? target : `/${target}`
}

export class WebArrival implements HttpRequest, RequestHeaders {
  readonly method: string
  readonly target: string
  readonly native: Request
  #bytes: Uint8Array | undefined

  constructor(request: Request) {
    this.method = request.method
    this.target = targetOf(request.url)
    this.native = request
  }

  get headers(): RequestHeaders {
    return this
  }

  get(name: string): string | null {
    return this.native.headers.get(name)
  }

  // The platform has joined the lines already. The grammar of keys tells a list from a key.
  lines(name: string): readonly string[] {
    const value = this.native.headers.get(name)
    return value === null ? [] : [value]
  }

  async body(limitBytes: number): Promise<RequestBody> {
    const body = await readRequest(this.native, limitBytes)
    if (body.kind === 'bytes') this.#bytes = body.bytes
    return body
  }

  /** The request for the handler: with the same bytes, where they have been read. */
  get unread(): Request {
    return withBody(this.native, this.#bytes)
  }
}

/** The request with `bytes` as its body; itself where nothing was read, or there was nothing to read. */
export function withBody(request: Request, bytes: Uint8Array | undefined): Request {
  if (bytes === undefined || bytes.length === 0) return request
  const init = { body: bytes as Uint8Array<ArrayBuffer> }
  return new Request(request, init)
}

/** Consumes the body. */
export async function readRequest(request: Request, limitBytes: number): Promise<RequestBody> {
  if (Number(request.headers.get('content-length')) > limitBytes) return { kind: 'too-large' }
  if (request.bodyUsed) throw bodyConsumed()
  if (request.body === null) return { kind: 'bytes', bytes: new Uint8Array(0) }
  try {
    const bytes = await readStream(request.body, limitBytes)
    return bytes === undefined ? { kind: 'too-large' } : { kind: 'bytes', bytes }
  } catch {
    // Whatever the platform calls it: the connection is gone, or the framing is broken.
    return { kind: 'incomplete' }
  }
}
