/** The `body` column: text where the bytes are UTF-8, since SQLite's bindings handle text faster than blobs. */

import { isUtf8 } from 'node:buffer'

export type StoredBody = string | Uint8Array | ArrayBuffer | null

const encoder = new TextEncoder()

export function encodeBody(body: Uint8Array | null): string | Uint8Array | null {
  if (body === null) return null
  // A NUL would end the text for some of SQLite's functions.
  if (!isUtf8(body) || body.includes(0)) return body
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
}

export function decodeBody(body: StoredBody | undefined): Uint8Array | null {
  if (body === null || body === undefined) return null
  if (typeof body === 'string') return encoder.encode(body)
  return body instanceof ArrayBuffer ? new Uint8Array(body) : body
}
