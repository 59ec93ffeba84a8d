/** What a request body means, in one spelling, whatever coding, serialiser or boundary it came in. */

import type { ProblemSlug } from '../wire/problem.ts'
import { canonicalForm } from './canonical-form.ts'
import { type CanonicalJson, canonicalJson } from './canonical-json.ts'
import { canonicalMultipart } from './canonical-multipart.ts'
import { bytesOf, canonicalValue } from './canonical-value.ts'
import { decode } from './content-coding.ts'
import type { Exclusions } from './json-pointer.ts'
import type { MediaType } from './media-type.ts'

export type BodyInput =
  /** As they came, before any content coding was undone. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** A framework parsed the body before us and the bytes are gone. `undefined` is no body. */
  | { readonly kind: 'parsed'; readonly value: unknown }

/** How a body was spelled: empty, JSON, form, multipart, or raw bytes. Kept with the digest, so that no two can meet. */
export type BodyForm = 'e' | 'j' | 'f' | 'm' | 'r'

export type CanonicalBody =
  | { readonly kind: 'canonical'; readonly form: BodyForm; readonly content: string | Uint8Array }
  | InvalidBody

/** `detail` is a sentence for people that repeats nothing of the body. */
export interface InvalidBody {
  readonly kind: 'invalid'
  readonly slug: Extract<ProblemSlug, 'request-body-invalid' | 'request-body-too-large' | 'request-coding-unsupported'>
  readonly detail: string
}

const EMPTY: CanonicalBody = { kind: 'canonical', form: 'e', content: '' }

const encoder = new TextEncoder()
/** Strict: what is not UTF-8 is not JSON (RFC 8259 §8.1), and a byte order mark in front is dropped. */
const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The canonical spelling of a body of bytes. A body that is not what its type says is taken byte for byte: refusing it is
 * for the parser of the application.
 */
export function canonicalBytes(
  received: Uint8Array,
  contentEncoding: string | undefined,
  media: MediaType,
  excluded: Exclusions | undefined,
  maxDecodedBytes: number,
): CanonicalBody {
  if (received.length === 0) return EMPTY
  const decoded = decode(received, contentEncoding, maxDecodedBytes)
  switch (decoded.kind) {
    case 'decoded':
      break
    case 'too-large':
      return invalid('request-body-too-large', `The body is larger than ${decoded.maxBytes} bytes once decoded.`)
    case 'unsupported':
      return invalid(
        'request-coding-unsupported',
        `The body is coded with ${decoded.coding}; send gzip, deflate or br.`,
      )
    case 'malformed':
      return invalid('request-body-invalid', `The body does not decode as ${decoded.coding}.`)
  }

  const { bytes } = decoded
  if (bytes.length === 0) return EMPTY
  switch (media.kind) {
    case 'json': {
      const text = utf8Text(bytes)
      return (text === undefined ? undefined : spelledJson(canonicalJson(text, excluded?.tree))) ?? raw(bytes)
    }
    case 'form':
      return spelled('f', canonicalForm(bytes, excluded?.fields)) ?? raw(bytes)
    case 'multipart':
      return spelled('m', canonicalMultipart(bytes, media.boundary ?? '')) ?? raw(bytes)
    case 'other':
      return raw(bytes)
  }
}

/**
 * The canonical spelling of a parsed body: that of the body which nobody has parsed for bytes, texts, forms and JSON, as
 * far as the parser kept it; for what a parser made of other types, that of its JSON.
 *
 * Throws `body-consumed` for a value whose content can't be seen.
 */
export function canonicalParsed(value: unknown, media: MediaType, excluded: Exclusions | undefined): CanonicalBody {
  if (value === undefined) return EMPTY
  const bytes = unparsed(value, media)
  // Whoever read the body has undone its coding and had a limit of their own.
  if (bytes !== undefined) return canonicalBytes(bytes, undefined, media, excluded, Number.POSITIVE_INFINITY)
  return spelledJson(canonicalValue(value, excluded?.tree)) ?? EMPTY
}

/** The bytes of a body that was read but not taken apart. Under a JSON type a string is a JSON string. */
function unparsed(value: unknown, media: MediaType): Uint8Array | undefined {
  if (typeof value === 'string') return media.kind === 'json' ? undefined : encoder.encode(value)
  if (value instanceof URLSearchParams) return encoder.encode(value.toString())
  return typeof value === 'object' && value !== null ? bytesOf(value) : undefined
}

function spelled(form: BodyForm, content: string | undefined): CanonicalBody | undefined {
  return content === undefined ? undefined : { kind: 'canonical', form, content }
}

function spelledJson(json: CanonicalJson): CanonicalBody | undefined {
  switch (json.kind) {
    case 'canonical':
      return spelled('j', json.text)
    case 'refused':
      return invalid('request-body-invalid', json.detail)
    case 'not-json':
      return undefined
  }
}

function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

function raw(content: string | Uint8Array): CanonicalBody {
  return { kind: 'canonical', form: 'r', content }
}

function invalid(slug: InvalidBody['slug'], detail: string): InvalidBody {
  return { kind: 'invalid', slug, detail }
}
