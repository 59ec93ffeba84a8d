/** One-way digests, keyed where a pepper is configured: a short body can be guessed from its plain hash. */

import { hash } from 'node:crypto'

/** SHA-256 of bytes, or of the UTF-8 of a text, as 43 characters of base64url. */
export type Digest = (message: string | Uint8Array) => string

/** SHA-256 works in blocks of 64 bytes and yields 32. */
const BLOCK = 64
const OUTPUT = 32

/** Messages up to this size are keyed without allocating: the larger part of the cost of a small one. */
const SCRATCH = 16_384

/**
 * Plain SHA-256, or HMAC-SHA-256 (RFC 2104) under a pepper.
 *
 * HMAC is written out as its two hashes because one-shot `hash` is several times faster than a `createHmac` object.
 */
export function digestWith(pepper: Uint8Array | undefined): Digest {
  if (pepper === undefined) return (message) => hash('sha256', message, 'base64url')

  // "If the key is longer than B bytes, hash it first"; shorter ones are padded with zeros.
  const key = new Uint8Array(BLOCK)
  key.set(pepper.length > BLOCK ? latin1Bytes(hash('sha256', pepper, 'binary')) : pepper)
  const inner = new Uint8Array(SCRATCH)
  const outer = new Uint8Array(BLOCK + OUTPUT)
  inner.set(key.map((byte) => byte ^ 0x36))
  outer.set(key.map((byte) => byte ^ 0x5c))
  const utf8 = new TextEncoder()

  // H(K XOR opad, H(K XOR ipad, message)). Nothing here waits, so the two blocks can be used again by every call.
  return (message) => {
    let keyed: Uint8Array
    // UTF-8 takes at most 3 bytes for a unit of UTF-16.
    if (typeof message === 'string' && message.length * 3 <= SCRATCH - BLOCK) {
      const { written } = utf8.encodeInto(message, inner.subarray(BLOCK))
      keyed = inner.subarray(0, BLOCK + written)
    } else {
      const bytes = typeof message === 'string' ? utf8.encode(message) : message
      keyed =
        bytes.length <= SCRATCH - BLOCK ? inner.subarray(0, BLOCK + bytes.length) : new Uint8Array(BLOCK + bytes.length)
      if (keyed.buffer !== inner.buffer) keyed.set(inner.subarray(0, BLOCK))
      keyed.set(bytes, BLOCK)
    }
    const innerHash = hash('sha256', keyed, 'binary')
    for (let at = 0; at < OUTPUT; at++) outer[BLOCK + at] = innerHash.charCodeAt(at)
    return hash('sha256', outer, 'base64url')
  }
}

function latin1Bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0))
}
