/**
 * The fingerprint: a versioned digest of what a request means. A key is bound to the fingerprint it first came with, so
 * that a retry, however its client spells it, is the same request, and another request under the same key is refused.
 *
 * A fingerprint reads `v1.METHOD.target.headers.body.digest`. The digest decides. The three words in the middle are the
 * first characters of separate digests: they tell a client which part of its request differs, and an attacker who reads
 * the store nothing, if there is a pepper.
 */

import { invalid } from '../engine/options.ts'
import { type BodyInput, canonicalBytes, canonicalParsed, type InvalidBody } from './canonical-body.ts'
import { digestWith } from './digest.ts'
import { compilePointers } from './json-pointer.ts'
import { lengthPrefixed } from './length-prefixed.ts'
import { type MediaType, mediaType } from './media-type.ts'
import { normalTarget } from './target.ts'

/** Headers that change what a request asks for. The media type always counts, and is not in this list. */
export const defaultFingerprintHeaders: readonly string[] = [
  'prefer', // RFC 7240: `return=minimal` or `respond-async` asks for another answer
  'if-match', // a retry with a refreshed precondition is a new intent (RFC 9110 §13.1)
  'if-none-match',
  'if-unmodified-since',
  'api-version',
  'x-api-version',
  'accept-version',
]

/** Headers that differ between attempts of one operation, so that every retry would be refused. */
const NEVER_FINGERPRINTED = new Set([
  'authorization', // a token that was refreshed is still the same principal
  'connection',
  'content-encoding', // the body is compared decoded
  'content-length',
  'cookie',
  'date',
  'idempotency-attempt',
  'idempotency-key',
  'traceparent',
  'transfer-encoding',
])

export interface FingerprintOptions {
  /** Names of the headers that count, in any case, instead of `defaultFingerprintHeaders`. */
  readonly headers?: readonly string[] | undefined
  /**
   * JSON Pointers (RFC 6901) to what does not count, as though it had not been sent: times and nonces that a client
   * writes anew. In a form, `/name` is the fields of that name.
   */
  readonly exclude?: readonly string[] | undefined
  /** At least 32 secret bytes. With them the fingerprint of a short body can't be guessed from a copy of the store. */
  readonly pepper?: Uint8Array | undefined
  /** The most bytes that a body may have, also once its content coding is undone; 1 MiB unless given. */
  readonly maxDecodedBytes?: number | undefined
}

/** What a fingerprint looks at, beside the body. A Fetch API `Request` fits, once its URL is cut to a target. */
export interface FingerprintRequest {
  readonly method: string
  /** Path and query as the client sent them. */
  readonly target: string
  /** The value of a header by its lower-case name, several lines joined with ", " (RFC 9110 §5.3). */
  readonly headers: { get(name: string): string | null | undefined }
}

export type Fingerprinted = { readonly kind: 'fingerprint'; readonly value: string } | InvalidBody

/** The fingerprint of a route: its options, worked out once. */
export interface Fingerprint {
  /**
   * The fingerprint of a request, or why its body can't have one.
   *
   * Throws `body-consumed` where a parser made something of the body whose content can't be seen.
   */
  of(request: FingerprintRequest, body: BodyInput): Fingerprinted
}

const where = 'The fingerprint'
const VERSION = 'v1'
const PEPPER_MIN = 32
const MAX_DECODED_BYTES = 1_048_576
/** 36 bits, enough to say that two parts differ. The digest, not this, says that two requests are the same. */
const HINT = 6

/**
 * Prepares the fingerprint of a route.
 *
 * Throws `option-invalid` for options that can't work.
 *
 * @example
 * const fingerprint = compileFingerprint({ exclude: ['/meta/sent_at'] })
 * fingerprint.of({ method: 'POST', target: '/payments', headers }, { kind: 'bytes', bytes })
 * // { kind: 'fingerprint', value: 'v1.POST.b0xXkQ.1GcZ3o.j4mRw-d.0kUq…' }
 */
export function compileFingerprint(options: FingerprintOptions = {}): Fingerprint {
  const { pepper, exclude = [], maxDecodedBytes = MAX_DECODED_BYTES } = options
  if (pepper !== undefined && pepper.length < PEPPER_MIN) {
    throw invalid(where, 'pepper', `${pepper.length} bytes`, `at least ${PEPPER_MIN} bytes`)
  }
  if (!Number.isSafeInteger(maxDecodedBytes) || maxDecodedBytes < 0) {
    throw invalid(where, 'maxDecodedBytes', maxDecodedBytes, 'a whole number, not negative')
  }
  const headers = counted(options.headers ?? defaultFingerprintHeaders)
  const excluded = compilePointers(exclude)
  const digest = digestWith(pepper)

  // Most requests of a route have the type, the headers and often the target of the one before: a hash saved each.
  let typeText: string | undefined
  let type: MediaType = mediaType(undefined)
  let target = { sent: '', normal: '', hint: hintOf('target', '') }
  let selected = { text: '', hint: hintOf('headers', '') }

  function hintOf(part: string, text: string): string {
    return digest(`${part}:${text}`).slice(0, HINT)
  }

  function typeOf(contentType: string | undefined): MediaType {
    if (contentType !== typeText) {
      type = mediaType(contentType)
      typeText = contentType
    }
    return type
  }

  function targetOf(sent: string): typeof target {
    if (sent !== target.sent) {
      const normal = normalTarget(sent)
      target = { sent, normal, hint: hintOf('target', normal) }
    }
    return target
  }

  function selectedOf(request: FingerprintRequest, media: MediaType): typeof selected {
    let text = lengthPrefixed(media.text)
    for (const name of headers) {
      const value = request.headers.get(name)
      // A header that is not there and one that says nothing are two things.
      if (value !== undefined && value !== null) text += lengthPrefixed(name) + lengthPrefixed(value.trim())
    }
    if (text !== selected.text) selected = { text, hint: hintOf('headers', text) }
    return selected
  }

  return {
    of(request, body) {
      const media = typeOf(request.headers.get('content-type') ?? undefined)
      const canonical =
        body.kind === 'bytes'
          ? canonicalBytes(
              body.bytes,
              request.headers.get('content-encoding') ?? undefined,
              media,
              excluded,
              maxDecodedBytes,
            )
          : canonicalParsed(body.value, media, excluded)
      if (canonical.kind === 'invalid') return canonical

      const { method } = request
      const { normal, hint: targetHint } = targetOf(request.target)
      const { text, hint: headersHint } = selectedOf(request, media)
      // One character for the form, 43 for the digest: of fixed length, so that it needs no prefix.
      const bodyDigest = canonical.form + digest(canonical.content)
      const tuple = `${VERSION}${lengthPrefixed(method)}${lengthPrefixed(normal)}${lengthPrefixed(text)}${bodyDigest}`
      const value = `${VERSION}.${method}.${targetHint}.${headersHint}.${bodyDigest.slice(0, HINT + 1)}.${digest(tuple)}`
      return { kind: 'fingerprint', value }
    },
  }
}

function counted(names: readonly string[]): string[] {
  const headers = new Set(names.map((name) => name.toLowerCase()))
  // Always in, as a media type: without its boundary, and with `charset=utf-8` or without.
  headers.delete('content-type')
  for (const name of headers) {
    if (NEVER_FINGERPRINTED.has(name)) {
      throw invalid(where, 'headers', name, 'names of headers that stay the same in every attempt')
    }
  }
  // In one order, so that listing them in another does not make every kept fingerprint a stranger.
  return [...headers].sort()
}

const plain: Fingerprint = /* @__PURE__ */ compileFingerprint()
const noHeaders = { get: () => undefined }

/**
 * The fingerprint of an operation that no HTTP request brought: of its name, and of its input as a JSON value. Pass the
 * `fingerprint` of a service that has a pepper.
 *
 * Throws `option-invalid` for an input that is nested too deep, and `body-consumed` for one that can't be seen.
 */
export function fingerprintValue(name: string, input: unknown, fingerprint: Fingerprint = plain): string {
  const request = { method: 'RUN', target: `/${encodeURIComponent(name)}`, headers: noHeaders }
  const made = fingerprint.of(request, { kind: 'parsed', value: input })
  if (made.kind === 'invalid') throw invalid(where, 'input', 'a value', `one that can be read (${made.detail})`)
  return made.value
}

/** A part of a request that may differ. `unknown`: they differ and can't be taken apart. */
export type Dimension = 'method' | 'target' | 'headers' | 'body' | 'unknown'

/**
 * Names the parts in which the request behind one fingerprint differs from another's; empty where they are the same.
 *
 * `['unknown']` where no part can be named, because one was made by another version of this library or in no form of
 * ours. The requests may then well be the same, but nothing shows it, and refusing is the only answer that is safe.
 *
 * @example mismatchedDimensions(record.fingerprint, current) // ['body']
 */
export function mismatchedDimensions(stored: string, current: string): Dimension[] {
  if (stored === current) return []
  const [a, b] = [partsOf(stored), partsOf(current)]
  if (a === undefined || b === undefined) return ['unknown']
  const differing = (['method', 'target', 'headers', 'body'] as const).filter((part) => a[part] !== b[part])
  return differing.length === 0 ? ['unknown'] : differing
}

/** A method is an RFC 9110 token and may hold a point; the other parts can't. */
const FORM = /^v1\.(.+)\.([\w-]{6})\.([\w-]{6})\.([ejfmr][\w-]{6})\.[\w-]{43}$/

function partsOf(fingerprint: string): Record<Exclude<Dimension, 'unknown'>, string | undefined> | undefined {
  const match = FORM.exec(fingerprint)
  return match === null ? undefined : { method: match[1], target: match[2], headers: match[3], body: match[4] }
}
