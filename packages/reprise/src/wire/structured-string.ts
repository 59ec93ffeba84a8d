/**
 * The part of Structured Fields (RFC 9651) that a key needs: an Item that is a String, with parameters. The key's field
 * defines no parameters, so they are checked and dropped.
 */

/** What reading an Item that begins with a quote found. `at` counts characters from 0. */
export type StructuredString =
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'list'; readonly at: number }
  | { readonly kind: 'malformed'; readonly at: number }

/** Nothing but unescaped printable ASCII in quotes, and no parameters: what nearly every client sends. */
const PLAIN = /^"[\x20-\x21\x23-\x5b\x5d-\x7e]*"$/

/** RFC 9651 §4.2.3.2: parameters = *( ";" *SP parameter ), parameter = key [ "=" bare-item ]. */
const PARAMETER = /; *[a-z*][a-z0-9_\-.*]*/y

/** RFC 9651 §4.2.3.1, every bare item: date or number, string, token, byte sequence, boolean, display string. */
const BARE_ITEM = new RegExp(
  [
    /@-?\d{1,15}(?![\d.])/,
    /-?\d{1,12}\.\d{1,3}(?![\d.])/,
    /-?\d{1,15}(?![\d.])/,
    /"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/,
    /[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*/,
    /:[A-Za-z0-9+/]*={0,2}:/,
    /\?[01]/,
    /%"(?:[\x20-\x21\x23-\x24\x26-\x7e]|%[0-9a-f]{2})*"/,
  ]
    .map((form) => form.source)
    .join('|'),
  'y',
)

/**
 * Reads a field value that begins with a quote, without spaces around it.
 *
 * A comma where the Item should have ended means a List: two lines joined on the way, or a client that sent two.
 */
export function parseStructuredString(text: string): StructuredString {
  if (PLAIN.test(text)) return { kind: 'string', value: text.slice(1, -1) }

  let value = ''
  let at = 1
  for (; ; at++) {
    const char = text[at]
    if (char === undefined) return { kind: 'malformed', at }
    if (char === '"') break
    if (char === '\\') {
      // RFC 9651 §4.2.5: "If char is a backslash: if next_char is not DQUOTE or "\", fail parsing."
      const next = text[at + 1]
      if (next !== '"' && next !== '\\') return { kind: 'malformed', at }
      value += next
      at++
    } else if (char < ' ' || char > '~') {
      // "If char is in the range %x00-1f or %x7f-ff, fail parsing."
      return { kind: 'malformed', at }
    } else {
      value += char
    }
  }

  const end = endOfParameters(text, at + 1)
  if (end === text.length) return { kind: 'string', value }
  return { kind: /[ \t]*,/y.test(text.slice(end)) ? 'list' : 'malformed', at: end }
}

/** The first character after the parameters that begin at `at`, or the one that spoils them. */
function endOfParameters(text: string, at: number): number {
  while (text[at] === ';') {
    PARAMETER.lastIndex = at
    if (!PARAMETER.test(text)) return at
    at = PARAMETER.lastIndex
    if (text[at] !== '=') continue
    BARE_ITEM.lastIndex = at + 1
    if (!BARE_ITEM.test(text)) return at
    at = BARE_ITEM.lastIndex
  }
  return at
}

/**
 * Text as a String (RFC 9651 §4.1.6).
 *
 * @example printStructuredString('a"b') // '"a\\"b"'
 */
export function printStructuredString(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
