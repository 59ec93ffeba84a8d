/** Hono's context as the pipeline sees it. Web APIs only, but the raw header lines where Node's server has them. */

import type { HttpRequest, RequestBody, RequestHeaders } from '../../http/request.ts'
import { rawLines } from '../shared/raw-lines.ts'
import { readRequest, targetOf, withBody } from '../web/request.ts'

/** The part of Hono's `Context` that is used here. */
export interface HonoContext {
  readonly req: {
    raw: Request
    /** What has been read of the body so far, by kind. */
    readonly bodyCache: object
    json(): Promise<unknown>
    arrayBuffer(): Promise<ArrayBuffer>
  }
  res: Response
  readonly finalized: boolean
  readonly env: unknown
  readonly error: Error | undefined
  set(key: string, value: unknown): void
}

interface Incoming {
  readonly rawHeaders: readonly string[]
}

export class HonoArrival implements HttpRequest, RequestHeaders {
  readonly method: string
  readonly target: string
  readonly native: HonoContext

  constructor(context: HonoContext) {
    this.method = context.req.raw.method
    this.target = targetOf(context.req.raw.url)
    this.native = context
  }

  get headers(): RequestHeaders {
    return this
  }

  get(name: string): string | null {
    return this.native.req.raw.headers.get(name)
  }

  lines(name: string): readonly string[] {
    const raw = this.#incoming?.rawHeaders
    if (raw !== undefined) return rawLines(raw, name)
    const value = this.get(name)
    return value === null ? [] : [value]
  }

  async body(limitBytes: number): Promise<RequestBody> {
    const { req } = this.native
    // A validator was here first. Hono keeps what it read.
    if ('json' in req.bodyCache) return { kind: 'parsed', value: await req.json() }
    for (const _ in req.bodyCache) {
      const bytes = new Uint8Array(await req.arrayBuffer())
      return bytes.byteLength > limitBytes ? { kind: 'too-large' } : { kind: 'bytes', bytes }
    }
    const { raw } = req
    const body = await readRequest(raw, limitBytes)
    // Replaced, so that those find it too who read `c.req.raw` and not `c.req`.
    if (body.kind === 'bytes' && body.bytes.byteLength > 0) {
      req.raw = this.#incoming === undefined ? withBody(raw, body.bytes) : rebuilt(raw, body.bytes)
    }
    return body
  }

  /** Under @hono/node-server. */
  get #incoming(): Incoming | undefined {
    return (this.native.env as { readonly incoming?: Incoming } | undefined)?.incoming
  }
}

/** That server's requests are stand-ins; copying one would first make a whole Request of it, only to throw it away. */
function rebuilt({ url, method, headers, signal }: Request, bytes: Uint8Array): Request {
  return new Request(url, { method, headers, signal, body: bytes as Uint8Array<ArrayBuffer> })
}
