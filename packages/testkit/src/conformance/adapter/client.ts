/** A client that shows an answer as it is on the wire, and that can hang up. */

import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'

export interface Sent {
  readonly method?: string
  readonly path?: string
  /** An array is sent as several lines. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** JSON, unless it is bytes. */
  readonly body?: unknown
  /** Sends the body without saying how long it is. */
  readonly chunked?: boolean
}

export class Received {
  readonly status: number
  /** Name and value, as they came. */
  readonly lines: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer

  constructor(message: IncomingMessage, body: Buffer) {
    const raw = message.rawHeaders
    this.status = message.statusCode ?? 0
    this.lines = raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1] as string] as const] : []))
    this.body = body
  }

  /** The values of a field, one for each line. */
  all(name: string): string[] {
    return this.lines.filter(([field]) => field.toLowerCase() === name.toLowerCase()).map(([, value]) => value)
  }

  /** The value of a field, several lines joined; `undefined` where there is none. */
  header(name: string): string | undefined {
    const values = this.all(name)
    return values.length === 0 ? undefined : values.join(', ')
  }

  /** The body without its content coding. */
  get content(): Buffer {
    const coding = this.header('content-encoding')
    if (coding === 'gzip') return gunzipSync(this.body)
    if (coding === 'deflate') return inflateSync(this.body)
    return coding === 'br' ? brotliDecompressSync(this.body) : this.body
  }

  get json(): Record<string, unknown> {
    return JSON.parse(this.content.toString()) as Record<string, unknown>
  }
}

/** A request under way. */
export interface Exchange {
  readonly answer: Promise<Received>
  /** The head of the answer, before its body is read. */
  readonly head: Promise<IncomingMessage>
  /** Destroys the connection. */
  hangUp(): void
}

/** Starts a request, on a connection of its own. */
export function start(url: string, { method = 'POST', path = '', headers = {}, body, chunked }: Sent): Exchange {
  const bytes = body === undefined || body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body))
  const fields: Record<string, string | string[]> = { connection: 'close' }
  if (bytes !== undefined) {
    if (bytes.length > 0) fields['content-type'] = 'application/json'
    if (chunked) fields['transfer-encoding'] = 'chunked'
    else fields['content-length'] = String(bytes.length)
  }
  for (const [name, value] of Object.entries(headers)) {
    fields[name.toLowerCase()] = typeof value === 'string' ? value : [...value]
  }
  let request: ClientRequest
  const head = new Promise<IncomingMessage>((resolve, reject) => {
    request = httpRequest(url + path, { method, headers: fields, agent: new Agent() }, resolve)
    request.on('error', reject)
    if (chunked && bytes !== undefined) request.write(bytes)
    request.end(chunked ? undefined : bytes)
  })
  const answer = head.then(async (message) => {
    const chunks: Buffer[] = []
    for await (const chunk of message) chunks.push(chunk as Buffer)
    return new Received(message, Buffer.concat(chunks))
  })
  // Whoever hangs up does not look at the answer.
  head.catch(() => undefined)
  answer.catch(() => undefined)
  return { answer, head, hangUp: () => request.destroy() }
}
