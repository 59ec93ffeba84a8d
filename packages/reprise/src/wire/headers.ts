/** The names of the header fields that server and client exchange, and what a browser must be told about them. */

/** Request: the client's name for the operation. Response: the same, as proof that the answer is protected. */
export const IDEMPOTENCY_KEY = 'Idempotency-Key'
/** Response: `true` where the answer is a replay. Absent otherwise. */
export const IDEMPOTENT_REPLAYED = 'Idempotent-Replayed'
/** Response: the HTTP-date until which a replay is promised. */
export const IDEMPOTENCY_EXPIRES = 'Idempotency-Expires'
/** Response: `true` or `false`; wins over what the status suggests. */
export const IDEMPOTENCY_SHOULD_RETRY = 'Idempotency-Should-Retry'
/** Request: which send this is, 1 for the first. Changes with every attempt, so it is never fingerprinted. */
export const IDEMPOTENCY_ATTEMPT = 'Idempotency-Attempt'
/** Response to a replay: the request id of the attempt that ran. */
export const IDEMPOTENCY_ORIGINAL_REQUEST = 'Idempotency-Original-Request'

/** One header line: name and value as they are written. */
export type HeaderLine = readonly [name: string, value: string]

/** What the header fields are called. An API that already has names of its own keeps them. */
export interface HeaderNames {
  readonly key: string
  readonly replayed: string
  readonly expires: string
  readonly shouldRetry: string
  readonly attempt: string
  readonly originalRequest: string
}

/** The names used unless others are given. */
export const defaultHeaderNames: HeaderNames = {
  key: IDEMPOTENCY_KEY,
  replayed: IDEMPOTENT_REPLAYED,
  expires: IDEMPOTENCY_EXPIRES,
  shouldRetry: IDEMPOTENCY_SHOULD_RETRY,
  attempt: IDEMPOTENCY_ATTEMPT,
  originalRequest: IDEMPOTENCY_ORIGINAL_REQUEST,
}

/** Thrown at construction when header names are given that cannot work. */
export class HeaderNamesError extends TypeError {
  override readonly name = 'HeaderNamesError'
  readonly code = 'option-invalid'
}

/** RFC 9110 §5.6.2: token = 1*tchar. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/**
 * The default names with some replaced.
 *
 * Throws `HeaderNamesError` for a name that is no RFC 9110 token, and for two fields under one name.
 *
 * @example headerNames({ key: 'X-Request-Token' }).key // 'X-Request-Token'
 */
export function headerNames(overrides: Partial<HeaderNames> = {}): HeaderNames {
  const names = { ...defaultHeaderNames, ...overrides }
  const seen = new Set<string>()
  for (const [field, name] of Object.entries(names)) {
    if (typeof name !== 'string' || !TOKEN.test(name)) {
      throw new HeaderNamesError(`headers.${field} is ${JSON.stringify(name)}; a header name is a token such as X-Key.`)
    }
    // RFC 9110 §5.1: field names are case-insensitive.
    if (seen.has(name.toLowerCase())) {
      throw new HeaderNamesError(`headers.${field} is ${JSON.stringify(name)}, which another field already uses.`)
    }
    seen.add(name.toLowerCase())
  }
  return names
}

/**
 * What `Access-Control-Allow-Headers` must list, beside an API's own headers, before a browser sends keys.
 *
 * @example corsAllowHeaders().join(', ') // 'Idempotency-Key, Idempotency-Attempt, If-Match, If-None-Match'
 */
export function corsAllowHeaders(names: HeaderNames = defaultHeaderNames): string[] {
  return [names.key, names.attempt, 'If-Match', 'If-None-Match']
}

/**
 * What `Access-Control-Expose-Headers` must list, beside an API's own headers, before a script can read how its
 * attempt ended.
 */
export function corsExposeHeaders(names: HeaderNames = defaultHeaderNames): string[] {
  return [
    names.key,
    names.replayed,
    names.expires,
    names.shouldRetry,
    names.originalRequest,
    'Retry-After',
    'RateLimit',
    'RateLimit-Policy',
    'ETag',
    'Location',
    'Link',
  ]
}
