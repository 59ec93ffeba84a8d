/**
 * The request target in one spelling, so that a retry that spells the same target differently is still the same request.
 *
 * A spelling counts as the same only where RFC 3986 or every query parser says that it is. When in doubt two targets stay
 * different: that costs a client an honest 422, the other mistake replays a wrong answer.
 *
 * | spelling | ruling |
 * | --- | --- |
 * | fragment | dropped; never part of a request (RFC 9110 §7.1) |
 * | `%7e`, `%2f` | `~`, `%2F`: unreserved characters decoded, hex digits upper case (RFC 3986 §6.2.2) |
 * | `HTTP://Shop.Example:80/` | scheme and host lower case, default port and user information dropped (§6.2.3) |
 * | `?` with nothing after it | dropped |
 * | order of query parameters | sorted by name; equal names keep their order, since `?id=1&id=2` is a list |
 * | `+` and `%20` in a query | different: only forms call them equal |
 * | trailing slash, `//`, dot segments | kept: routers differ on whether `/a` and `/a/` are one resource |
 * | case of the path | kept |
 */

/** Scheme and authority of an absolute-form target (RFC 9112 §3.2.2). */
const ABSOLUTE = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(?:[^/?#@]*@)?([^/?#]*)/
const DEFAULT_PORT = /^(?:(http:\/\/.*):80|(https:\/\/.*):443)$/

/**
 * A target as it stood in the request line, in its one spelling.
 *
 * @example normalTarget('/pay%6dents?b=2&a=1&b=1#x') // '/payments?a=1&b=2&b=1'
 */
export function normalTarget(target: string): string {
  if (target.startsWith('/')) return normalPathAndQuery(target)
  const absolute = ABSOLUTE.exec(target)
  if (absolute === null) return normalPathAndQuery(target)
  const origin = `${absolute[1]}://${absolute[2]}`.toLowerCase()
  const port = DEFAULT_PORT.exec(origin)
  const rest = target.slice(absolute[0].length)
  // RFC 9110 §4.2.3: an empty path is the same as "/".
  return (port?.[1] ?? port?.[2] ?? origin) + normalPathAndQuery(rest.startsWith('/') ? rest : `/${rest}`)
}

function normalPathAndQuery(target: string): string {
  const hashAt = target.indexOf('#')
  const spelled = normalPercents(hashAt < 0 ? target : target.slice(0, hashAt))
  const queryAt = spelled.indexOf('?')
  if (queryAt < 0) return spelled
  const query = sortedByName(spelled.slice(queryAt + 1))
  return query === '' ? spelled.slice(0, queryAt) : `${spelled.slice(0, queryAt)}?${query}`
}

function normalPercents(text: string): string {
  if (!text.includes('%')) return text
  return text.replace(/%[0-9A-Fa-f]{2}/g, (triplet) => {
    const char = String.fromCharCode(Number.parseInt(triplet.slice(1), 16))
    return /[A-Za-z0-9._~-]/.test(char) ? char : triplet.toUpperCase()
  })
}

function sortedByName(query: string): string {
  if (!query.includes('&')) return query
  const fields = query.split('&').filter((field) => field !== '')
  // Array.prototype.sort is stable, which keeps the order of equal names.
  return fields.sort(byName).join('&')
}

function byName(a: string, b: string): number {
  const [nameA, nameB] = [nameOf(a), nameOf(b)]
  return nameA < nameB ? -1 : nameA > nameB ? 1 : 0
}

function nameOf(field: string): string {
  const equals = field.indexOf('=')
  return equals < 0 ? field : field.slice(0, equals)
}
