/** Which of a response's header lines belong to its outcome, and so to every replay. */

import type { HeaderLine } from '../engine/record.ts'

/**
 * What describes the representation or where it is. Everything else belongs to one response: Set-Cookie would log one
 * caller in as another, Date and Age would lie, CORS, rate limits, nonces and trace ids are made anew each time.
 */
const outcomeHeaders: readonly string[] = [
  'cache-control',
  'content-disposition',
  'content-language',
  'content-location',
  'content-type',
  'deprecation',
  'etag',
  'last-modified',
  'link',
  'location',
  'sunset',
]

/** Never stored, even when a route asks for them by name. */
const neverStored = new Set([
  'age',
  'connection',
  'content-encoding',
  'content-length',
  'date',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'retry-after',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'www-authenticate',
])

/** Names that a route may add to the list; throws nothing, returns those that it may not. */
export function forbiddenToStore(names: readonly string[]): string[] {
  return names.filter((name) => {
    const lower = name.toLowerCase()
    return neverStored.has(lower) || lower.startsWith('access-control-') || lower.startsWith('ratelimit')
  })
}

/** The set of lower-case names that a route stores. */
export function storedHeaderNames(added: readonly string[]): ReadonlySet<string> {
  return new Set([...outcomeHeaders, ...added.map((name) => name.toLowerCase())])
}

/** A name that is a token and a value without CR, LF or NUL (RFC 9110 §5.5): what may be sent. */
const sendable = (line: HeaderLine): boolean =>
  /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(line[0]) && !/[\r\n\0]/.test(line[1])

/** The lines that make part of the outcome, in their order, names in lower case. */
export function storedHeaders(headers: readonly HeaderLine[], names: ReadonlySet<string>): HeaderLine[] {
  const stored: HeaderLine[] = []
  for (const line of headers) {
    const lower = line[0].toLowerCase()
    if (names.has(lower) && sendable(line)) stored.push(lower === line[0] ? line : [lower, line[1]])
  }
  return stored
}

/** What of a stored outcome may be sent again: an older version may have stored what this one would not. */
export function replayableHeaders(stored: readonly HeaderLine[]): HeaderLine[] {
  return stored.filter((line) => sendable(line) && !neverStored.has(line[0].toLowerCase()))
}
