/** The request of node:http, and of every framework that stands on it, as the pipeline sees it. */

import type { IncomingMessage } from 'node:http'
import type { HttpRequest, RequestBody, RequestHeaders } from '../../http/request.ts'
import { rawLines } from '../shared/raw-lines.ts'
import { readBody } from './body.ts'
import type { MountedRequest } from './mounted-request.ts'

/** The value of a field, as Node keeps it: in lower case, and `set-cookie` as an array. */
export function headerValue(headers: IncomingMessage['headers'], name: string): string | null {
  const value = headers[name.toLowerCase()]
  if (value === undefined) return null
  return typeof value === 'string' ? value : value.join(', ')
}

/** Request and headers in one object: one less to make for every arrival. */
export class NodeArrival implements HttpRequest, RequestHeaders {
  readonly method: string
  readonly target: string
  readonly native: MountedRequest

  constructor(request: MountedRequest) {
    this.method = request.method ?? 'GET'
    this.target = request.originalUrl ?? request.url ?? '/'
    this.native = request
  }

  get headers(): RequestHeaders {
    return this
  }

  get(name: string): string | null {
    return headerValue(this.native.headers, name)
  }

  lines(name: string): readonly string[] {
    return rawLines(this.native.rawHeaders, name)
  }

  body(limitBytes: number): RequestBody | Promise<RequestBody> {
    return readBody(this.native, limitBytes)
  }
}
