/**
 * The grammar of the key's header field. A field that can't be read is an error and never "no key": the client asked for
 * its operation to happen once, and running it unprotected is the one thing it asked us not to do.
 */

import { formatKey, type KeyFormat } from './key-format.ts'
import { parseStructuredString, printStructuredString } from './structured-string.ts'

/**
 * Which keys a server takes. `strict` takes only what the Idempotency-Key draft §2.1 defines, an RFC 9651 String
 * (`"8e03…"`); `compat` also takes the bare spelling that most APIs and clients use (`8e03…`). Lengths count characters
 * of the key itself, without quotes and escapes.
 */
export interface KeyGrammar {
  readonly syntax: 'compat' | 'strict'
  readonly format: KeyFormat
  readonly minLength: number
  readonly maxLength: number
}

/** Both spellings, any format, 1 to 255 characters. */
export const defaultKeyGrammar: KeyGrammar = { syntax: 'compat', format: 'any', minLength: 1, maxLength: 255 }

/** Why a key was refused. */
export type KeyFault =
  | 'repeated'
  | 'empty'
  | 'control'
  | 'not-ascii'
  | 'not-quoted'
  | 'malformed'
  | 'too-short'
  | 'too-long'
  | 'wrong-format'
  | 'guessable'

export type ParsedKey =
  | { readonly kind: 'missing' }
  /** `mintedAtMs`: when the key says it was made, known for the formats `uuidv7` and `ulid`. */
  | { readonly kind: 'key'; readonly key: string; readonly mintedAtMs?: number }
  /** `detail` is a sentence for people that does not repeat the key. */
  | { readonly kind: 'invalid'; readonly reason: KeyFault; readonly detail: string }

/** Never a quote, a comma or a space: a bare value can't be mistaken for another Structured Field. */
const BARE = /^[A-Za-z0-9._~:/+=@-]+$/
/** Printable ASCII, and not blank: what an RFC 9651 String can hold and a person can see. */
const SAYABLE = /^(?=.*[^ ])[\x20-\x7e]+$/
/** What joins two lines of one field on the way (RFC 9110 §5.2), so no key may hold it. */
const JOINT = ', '

/**
 * Reads the key out of the header lines of its field (none, one or more), each as it was received.
 *
 * The quoted and the bare spelling of a key are the same key. More than one line is `repeated`, even if they agree, and so
 * is a list: they are never joined and never guessed between. Case counts, except in formats that say otherwise. Works in
 * time linear in the header.
 *
 * @example
 * parseKey(['"8e03978e-40d5"'], defaultKeyGrammar) // { kind: 'key', key: '8e03978e-40d5' }
 * parseKey(['8e03978e-40d5'], defaultKeyGrammar) // the same
 * parseKey([], defaultKeyGrammar) // { kind: 'missing' }
 */
export function parseKey(lines: readonly string[], grammar: KeyGrammar = defaultKeyGrammar): ParsedKey {
  if (lines.length === 0) return { kind: 'missing' }
  if (lines.length > 1) return invalid('repeated', `The key was sent on ${lines.length} header lines; send one.`)

  // RFC 9110 §5.5: a field value does not include the whitespace around it.
  const text = trimmed(lines[0] ?? '')
  if (text === '') return invalid('empty', 'The key is empty.')

  let key: string
  if (grammar.syntax === 'compat' && BARE.test(text)) {
    key = text
  } else {
    const read = readQuoted(text, grammar.syntax)
    if (typeof read !== 'string') return read
    key = read
  }

  if (key.length > grammar.maxLength) {
    return invalid('too-long', `The key has ${key.length} characters; at most ${grammar.maxLength} are allowed.`)
  }
  if (key.length < grammar.minLength) {
    return invalid('too-short', `The key has ${key.length} characters; at least ${grammar.minLength} are needed.`)
  }
  const formatted = formatKey(key, grammar.format)
  switch (formatted.kind) {
    case 'key':
      return formatted
    case 'wrong-format':
      return invalid('wrong-format', `The key must be ${formatted.expected}.`)
    case 'guessable':
      return invalid('guessable', `The key is one that anybody would guess; send ${formatted.expected}.`)
  }
}

/**
 * A key as a header value: `strict` always quotes, `compat` only where the bare spelling can't say it. Whatever is
 * printed is read back as the same key.
 *
 * Throws `UnsayableKeyError` for a key that `parseKey` would never yield: empty or blank, with control or non-ASCII
 * characters, or with a comma and a space.
 *
 * @example
 * printKey('8e03978e-40d5', 'strict') // '"8e03978e-40d5"'
 * printKey('8e03978e-40d5', 'compat') // '8e03978e-40d5'
 */
export function printKey(key: string, syntax: KeyGrammar['syntax']): string {
  if (!SAYABLE.test(key) || key.includes(JOINT)) throw new UnsayableKeyError()
  return syntax === 'compat' && BARE.test(key) ? key : printStructuredString(key)
}

/** A key was to be printed that no header can carry. The message does not repeat it. */
export class UnsayableKeyError extends TypeError {
  override readonly name = 'UnsayableKeyError'
  readonly code = 'key-unsayable'

  constructor() {
    super('A key is printable ASCII, not blank, and without ", "; this one is not. A UUID always works.')
  }
}

/** The key of a value that is not bare, or why there is none. */
function readQuoted(text: string, syntax: KeyGrammar['syntax']): string | ParsedKey {
  const odd = /[^\x20-\x7e]/.exec(text)
  if (odd !== null) {
    const fault = odd[0] > '~' && odd[0] !== '\x7f' ? 'not-ascii' : 'control'
    const kind = fault === 'control' ? 'a control' : 'a non-ASCII'
    return invalid(fault, `The key has ${kind} character at position ${odd.index + 1}.`)
  }
  if (!text.startsWith('"')) {
    if (text.includes(',')) return invalid('repeated', 'The key is a list of values; send one.')
    if (syntax === 'strict' && SAYABLE.test(text)) {
      return invalid('not-quoted', 'The key must be in double quotes, as in "8e03978e-40d5-43e8-bc93-6894a57f9324".')
    }
    return invalid('malformed', 'The key has characters that need double quotes around the whole of it.')
  }

  const read = parseStructuredString(text)
  switch (read.kind) {
    case 'string':
      if (read.value.trim() === '') return invalid('empty', 'The key is empty.')
      // RFC 9651 §4.2: "Strings split across multiple field lines will have unpredictable results", namely one String
      // with this inside. Refused, since it is more likely an accident on the way than a key.
      if (read.value.includes(JOINT))
        return invalid('repeated', 'The key has a comma and a space inside, as if joined.')
      return read.value
    case 'list':
      return invalid('repeated', 'The key is a list of values; send one.')
    case 'malformed':
      return invalid('malformed', `The key is no RFC 9651 String: it goes wrong at position ${read.at + 1}.`)
  }
}

function invalid(reason: KeyFault, detail: string): ParsedKey {
  return { kind: 'invalid', reason, detail }
}

/** Without optional whitespace, which is space and tab only: `trim` would also take away what is not ASCII. */
function trimmed(line: string): string {
  let start = 0
  let end = line.length
  while (start < end && (line[start] === ' ' || line[start] === '\t')) start++
  while (end > start && (line[end - 1] === ' ' || line[end - 1] === '\t')) end--
  return line.slice(start, end)
}
