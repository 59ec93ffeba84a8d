import type { IncomingMessage } from 'node:http'

/** What Connect, Express and their like add to the request. */
export interface MountedRequest extends IncomingMessage {
  /** The target as it arrived; `url` loses the prefix of every router on the way. */
  originalUrl?: string
  /** What a body parser made of the body. */
  body?: unknown
  /** The bytes, where a body parser has kept them. */
  rawBody?: unknown
}
