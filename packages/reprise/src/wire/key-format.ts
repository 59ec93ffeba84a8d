/**
 * Formats that a server may demand of keys. A format has one canonical spelling, so that `A1B2…` and `a1b2…` are the
 * same UUID and the same operation; without a format, keys are compared as they are.
 */

/** `any`, a named format, or an expression tested as it is written: anchor it (`/^ord_\d+$/`) to cover the whole key. */
export type KeyFormat = 'any' | 'uuid' | 'uuidv7' | 'ulid' | RegExp

export type FormattedKey =
  | { readonly kind: 'key'; readonly key: string; readonly mintedAtMs?: number }
  | { readonly kind: 'wrong-format'; readonly expected: string }
  | { readonly kind: 'guessable'; readonly expected: string }

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
/** RFC 9562 §5.7: version 7 and variant 10. */
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
/** 26 characters of Crockford's base 32, the first 10 of them 48 bits of milliseconds. */
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** RFC 9562 §5.9 and §5.10: the nil and max UUIDs name nothing, so two clients would share them. */
const NIL = '00000000-0000-0000-0000-000000000000'
const MAX = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** Checks a key against a format and spells it canonically. UUIDv7 and ULID also say when they were minted. */
export function formatKey(key: string, format: KeyFormat): FormattedKey {
  if (format === 'any') return { kind: 'key', key }
  if (typeof format !== 'string') {
    // A global or sticky expression remembers where it stopped the last time.
    format.lastIndex = 0
    return format.test(key) ? { kind: 'key', key } : { kind: 'wrong-format', expected: `a match of ${format}` }
  }
  if (format === 'ulid') {
    const ulid = key.toUpperCase()
    if (!ULID.test(ulid)) return { kind: 'wrong-format', expected: 'a ULID' }
    return { kind: 'key', key: ulid, mintedAtMs: ulidMs(ulid) }
  }

  const uuid = withoutBraces(key).toLowerCase()
  if (uuid === NIL || uuid === MAX) return { kind: 'guessable', expected: 'a UUID of its own' }
  if (format === 'uuid')
    return UUID.test(uuid) ? { kind: 'key', key: uuid } : { kind: 'wrong-format', expected: 'a UUID' }
  if (!UUID_V7.test(uuid)) return { kind: 'wrong-format', expected: 'a UUID of version 7' }
  return { kind: 'key', key: uuid, mintedAtMs: Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16) }
}

/** Some platforms print a UUID in braces. */
function withoutBraces(key: string): string {
  return key.length === 38 && key.startsWith('{') && key.endsWith('}') ? key.slice(1, -1) : key
}

function ulidMs(ulid: string): number {
  let ms = 0
  for (let at = 0; at < 10; at++) ms = ms * 32 + CROCKFORD.indexOf(ulid.charAt(at))
  return ms
}
