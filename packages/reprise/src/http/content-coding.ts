/** Content codings (RFC 9110 §8.4): bodies as they were before gzip, deflate or br, under a cap. */

import * as zlib from 'node:zlib'
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync, type ZlibOptions } from 'node:zlib'

export type Decoded =
  | { readonly kind: 'decoded'; readonly bytes: Uint8Array }
  /** The coding is not one of ours, or there are too many. `coding` is shortened for printing. */
  | { readonly kind: 'unsupported'; readonly coding: string }
  | { readonly kind: 'too-large'; readonly maxBytes: number }
  | { readonly kind: 'malformed'; readonly coding: string }

/** More codings than anybody has a reason to stack. Each costs a decompression. */
const CODINGS_MAX = 2

/** 2 GiB: what every version of Node can hold in one piece. */
const OUTPUT_MAX = 2_147_483_647

/** RFC 8878, in Node since 22.15. */
const zstd = (zlib as { zstdDecompressSync?: (bytes: Uint8Array, limits: ZlibOptions) => Uint8Array })
  .zstdDecompressSync

/**
 * Takes the codings of a `Content-Encoding` value off, the last one first. No value, `identity` and a body of no bytes
 * come back as they are. Stops as soon as an intermediate or final size passes `maxBytes`, whatever the ratio.
 *
 * Synchronous: the cap keeps it short, and a body of a few kilobytes is done sooner than a thread could be asked.
 *
 * @example decode(gzipSync('hello'), 'gzip', 1_048_576) // { kind: 'decoded', bytes: 'hello' }
 */
export function decode(bytes: Uint8Array, contentEncoding: string | undefined, maxBytes: number): Decoded {
  // RFC 9110 §8.4.1: "All content codings are case-insensitive".
  const codings =
    contentEncoding === undefined
      ? []
      : contentEncoding
          .toLowerCase()
          .split(',')
          .map((coding) => coding.trim())
          .filter((coding) => coding !== '' && coding !== 'identity')
  // Compressing nothing yields something, so no bytes at all were never coded: a client set the field and sent no body.
  if (codings.length === 0 || bytes.length === 0) {
    return bytes.length > maxBytes ? { kind: 'too-large', maxBytes } : { kind: 'decoded', bytes }
  }
  if (codings.length > CODINGS_MAX) return { kind: 'unsupported', coding: `${codings.length} codings` }

  let decoded: Decoded = { kind: 'decoded', bytes }
  // RFC 9110 §8.4: "If one or more encodings have been applied to a representation, the sender […] MUST generate a
  // Content-Encoding header field that lists the content codings in the order in which they were applied."
  for (const coding of codings.reverse()) {
    if (decoded.kind !== 'decoded') return decoded
    decoded = decodeOne(decoded.bytes, coding, maxBytes)
  }
  return decoded
}

function decodeOne(bytes: Uint8Array, coding: string, maxBytes: number): Decoded {
  // zlib takes no limit of nothing, and none that no buffer could hold.
  const limits: ZlibOptions = { maxOutputLength: Math.min(Math.max(maxBytes, 1), OUTPUT_MAX) }
  try {
    switch (coding) {
      case 'gzip':
      case 'x-gzip': // RFC 9110 §8.4.1.3: "A recipient SHOULD consider "x-gzip" to be equivalent to "gzip"."
        return { kind: 'decoded', bytes: gunzipSync(bytes, limits) }
      case 'deflate':
        return { kind: 'decoded', bytes: inflate(bytes, limits) }
      case 'br':
        return { kind: 'decoded', bytes: brotliDecompressSync(bytes, limits) }
      case 'zstd':
        if (zstd !== undefined) return { kind: 'decoded', bytes: zstd(bytes, limits) }
        return { kind: 'unsupported', coding }
      default:
        return { kind: 'unsupported', coding: /^[a-z0-9._-]{1,32}$/.exec(coding)?.[0] ?? 'an unknown coding' }
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return { kind: 'too-large', maxBytes }
    // What zlib finds wrong with the bytes is a plain Error; anything narrower is a bug of the caller's.
    if (error instanceof RangeError || error instanceof TypeError) throw error
    return { kind: 'malformed', coding }
  }
}

/**
 * RFC 9110 §8.4.1.2: "Some non-conformant implementations send the "deflate" compressed data without the zlib wrapper."
 * A zlib stream begins with a low nibble of 8, and its first two bytes are a multiple of 31 (RFC 1950 §2.2).
 */
function inflate(bytes: Uint8Array, limits: ZlibOptions): Uint8Array {
  const [cmf = 0, flg = 0] = bytes
  const wrapped = (cmf & 0x0f) === 8 && ((cmf << 8) | flg) % 31 === 0
  return wrapped ? inflateSync(bytes, limits) : inflateRawSync(bytes, limits)
}
