/**
 * One spelling per form (`application/x-www-form-urlencoded`): fields sorted by name, equal names in the order in which
 * they came, and each byte either itself or percent-encoded, never by taste.
 *
 * Bytes are compared and never decoded to text: a decoder would turn all that is not UTF-8 into one replacement character.
 */

import { latin1Text } from './latin1.ts'

/** More fields than any parser reads (the common ones stop at a thousand); sorting them would be a gift to attackers. */
const FIELDS_MAX = 10_000

/** A space as forms write it, an encoded byte, or a byte that is written encoded here. */
const TO_RESPELL = /\+|%[0-9A-Fa-f]{2}|[^A-Za-z0-9._~-]/g

const ENCODED: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte)
  return /[A-Za-z0-9._~-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
})

/**
 * The canonical spelling of a form, or `undefined` where it has more fields than are sorted; any other bytes are a form.
 * Fields named in `excluded` (as `fieldText` spells them) are left out.
 *
 * @example canonicalForm(bytes of 'b=1&a=x+y&a=%7e') // 'a=x%20y&a=~&b=1'
 */
export function canonicalForm(bytes: Uint8Array, excluded?: ReadonlySet<string>): string | undefined {
  const sent = latin1Text(bytes).split('&', FIELDS_MAX + 1)
  if (sent.length > FIELDS_MAX) return undefined
  const fields: { name: string; value: string }[] = []
  for (const field of sent) {
    // URL Standard, application/x-www-form-urlencoded parsing: empty sequences are skipped; no "=" is an empty value.
    if (field === '') continue
    const equals = field.indexOf('=')
    const name = respelled(equals < 0 ? field : field.slice(0, equals))
    if (excluded?.has(name) === true) continue
    fields.push({ name, value: equals < 0 ? '' : respelled(field.slice(equals + 1)) })
  }
  // Array.prototype.sort is stable, which keeps the order of equal names.
  fields.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  return fields.map(({ name, value }) => `${name}=${value}`).join('&')
}

/** A name as canonical forms spell it. */
export function fieldText(name: string): string {
  return respelled(latin1Text(new TextEncoder().encode(name)).replace(/[+%]/g, encoded))
}

function respelled(text: string): string {
  return text.replace(TO_RESPELL, respelledMatch)
}

function respelledMatch(match: string): string {
  if (match === '+') return '%20'
  if (match.length === 3) return ENCODED[Number.parseInt(match.slice(1), 16)] as string
  return encoded(match)
}

function encoded(char: string): string {
  return ENCODED[char.charCodeAt(0)] as string
}
