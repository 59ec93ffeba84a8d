/**
 * One spelling per JSON text, so that a client that serialises its retry anew still sends the same request: members
 * sorted, no whitespace, one form per string and number. Like RFC 8785, but lossless: numbers never become doubles, and
 * two members of one name are refused instead of one of them being chosen. No Unicode normalisation.
 *
 * Written by hand because JSON.parse loses exactly these two things. Time and memory are linear in the text (sorting
 * names aside), and nothing is thrown or allocated on the way that a body could make large.
 */

import { canonicalMembers } from './canonical-members.ts'
import { canonicalNumber } from './canonical-number.ts'
import type { PointerNode, PointerTree } from './json-pointer.ts'

export type CanonicalJson =
  | { readonly kind: 'canonical'; readonly text: string }
  /** Not JSON: whoever parses it will refuse it. */
  | { readonly kind: 'not-json' }
  /** JSON on which two parsers may disagree, or too deep. `detail` does not repeat any of it. */
  | { readonly kind: 'refused'; readonly detail: string }

/** How deep arrays and objects may be nested. */
export const JSON_DEPTH_MAX = 200

/**
 * The canonical spelling of a JSON text (RFC 8259). Members that a pointer of `excluded` names are left out, as though
 * they had not been sent.
 *
 * @example canonicalJson('{ "b": 1.0, "a": "\\u00e9" }') // { kind: 'canonical', text: '{"a":"é","b":1}' }
 */
export function canonicalJson(text: string, excluded?: PointerTree): CanonicalJson {
  return new JsonText(text).canonical(excluded)
}

// Character codes. Comparing numbers is several times faster than comparing one-character strings.
const TAB = 0x09
const LINE_FEED = 0x0a
const RETURN = 0x0d
const SPACE = 0x20
const QUOTE = 0x22
const PLUS = 0x2b
const COMMA = 0x2c
const MINUS = 0x2d
const POINT = 0x2e
const DIGIT_0 = 0x30
const DIGIT_9 = 0x39
const COLON = 0x3a
const UPPER_E = 0x45
const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
const CLOSE_ARRAY = 0x5d
const LOWER_E = 0x65
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const SURROGATE_FIRST = 0xd800
const SURROGATE_LAST = 0xdfff

/** Numbers of this length and less are never written with an exponent. */
const PLAIN_NUMBER_MAX = 21

/** What a step returns when it has met a fault: no JSON value has an empty spelling. */
const FAULT = ''

class JsonText {
  readonly text: string
  at = 0
  depth = 0
  refusal: string | undefined

  constructor(text: string) {
    this.text = text
  }

  canonical(excluded: PointerTree | undefined): CanonicalJson {
    this.skipSpace()
    const text = this.value(excluded)
    if (text !== FAULT) {
      this.skipSpace()
      if (this.at === this.text.length) return { kind: 'canonical', text }
    }
    return this.refusal === undefined ? { kind: 'not-json' } : { kind: 'refused', detail: this.refusal }
  }

  value(excluded: PointerTree | undefined): string {
    switch (this.text.charCodeAt(this.at)) {
      case QUOTE:
        return this.string()
      case OPEN_OBJECT:
        return this.object(excluded)
      case OPEN_ARRAY:
        return this.array(excluded)
      case 0x74:
        return this.word('true')
      case 0x66:
        return this.word('false')
      case 0x6e:
        return this.word('null')
      default:
        return this.number()
    }
  }

  object(excluded: PointerTree | undefined): string {
    if (++this.depth > JSON_DEPTH_MAX) return this.tooDeep()
    const start = this.at++
    const names: string[] = []
    const values: string[] = []
    this.skipSpace()
    if (this.text.charCodeAt(this.at) === CLOSE_OBJECT) {
      this.at++
      this.depth--
      return '{}'
    }
    for (;;) {
      if (this.text.charCodeAt(this.at) !== QUOTE) return FAULT
      const name = this.string()
      if (name === FAULT) return FAULT
      this.skipSpace()
      if (this.text.charCodeAt(this.at) !== COLON) return FAULT
      this.at++
      this.skipSpace()
      const pointed = excluded?.get(name)
      const value = this.value(pointed?.below)
      if (value === FAULT) return FAULT
      names.push(name)
      values.push(kept(value, pointed))
      this.skipSpace()
      const code = this.text.charCodeAt(this.at++)
      if (code === CLOSE_OBJECT) break
      if (code !== COMMA) return FAULT
      this.skipSpace()
    }
    this.depth--
    const members = canonicalMembers(names, values)
    if (members !== undefined) return members
    // RFC 8259 §4: "When the names within an object are not unique, the behavior of software that receives such an
    // object is unpredictable." The fingerprint and the handler could read two different requests.
    this.refusal = `The JSON body has an object with two members of one name; the object begins at character ${start + 1}.`
    return FAULT
  }

  array(excluded: PointerTree | undefined): string {
    if (++this.depth > JSON_DEPTH_MAX) return this.tooDeep()
    this.at++
    this.skipSpace()
    if (this.text.charCodeAt(this.at) === CLOSE_ARRAY) {
      this.at++
      this.depth--
      return '[]'
    }
    let elements = ''
    for (let index = 0; ; index++) {
      const pointed = excluded?.get(`"${index}"`)
      const value = this.value(pointed?.below)
      if (value === FAULT) return FAULT
      if (pointed?.excluded !== true) elements += elements === '' ? value : `,${value}`
      this.skipSpace()
      const code = this.text.charCodeAt(this.at++)
      if (code === CLOSE_ARRAY) break
      if (code !== COMMA) return FAULT
      this.skipSpace()
    }
    this.depth--
    return `[${elements}]`
  }

  string(): string {
    const { text } = this
    const start = this.at
    let plain = true
    let end = start + 1
    for (; ; end++) {
      if (end >= text.length) return FAULT
      const code = text.charCodeAt(end)
      if (code === QUOTE) break
      if (code < SPACE) return FAULT
      if (code === BACKSLASH) {
        plain = false
        end++
      } else if (code >= SURROGATE_FIRST && code <= SURROGATE_LAST) {
        plain = false
      }
    }
    this.at = end + 1
    const token = text.slice(start, end + 1)
    return plain ? token : respelled(token)
  }

  number(): string {
    const { text } = this
    const start = this.at
    const whole = text.charCodeAt(start) === MINUS ? start + 1 : start
    let end = digitsEnd(text, whole)
    // RFC 8259 §6: "Leading zeros are not allowed."
    if (end === whole || (end > whole + 1 && text.charCodeAt(whole) === DIGIT_0)) return FAULT
    let plain = true
    if (text.charCodeAt(end) === POINT) {
      const fraction = end + 1
      end = digitsEnd(text, fraction)
      if (end === fraction) return FAULT
      plain = text.charCodeAt(end - 1) !== DIGIT_0 && text.charCodeAt(whole) !== DIGIT_0
    }
    const code = text.charCodeAt(end)
    if (code === LOWER_E || code === UPPER_E) {
      const sign = text.charCodeAt(end + 1)
      const exponent = sign === PLUS || sign === MINUS ? end + 2 : end + 1
      end = digitsEnd(text, exponent)
      if (end === exponent) return FAULT
      plain = false
    }
    this.at = end
    const literal = text.slice(start, end)
    if (!plain || literal.length > PLAIN_NUMBER_MAX) return canonicalNumber(literal)
    return literal === '-0' ? '0' : literal
  }

  word(word: string): string {
    if (!this.text.startsWith(word, this.at)) return FAULT
    this.at += word.length
    return word
  }

  skipSpace(): void {
    const { text } = this
    let { at } = this
    for (; ; at++) {
      const code = text.charCodeAt(at)
      if (code !== SPACE && code !== LINE_FEED && code !== RETURN && code !== TAB) break
    }
    this.at = at
  }

  tooDeep(): string {
    this.refusal = `The JSON body is nested more than ${JSON_DEPTH_MAX} deep.`
    return FAULT
  }
}

/** A string token with escapes or surrogates. One token has nothing that JSON.parse could lose. */
function respelled(token: string): string {
  try {
    // JSON.stringify escapes what must be, in one way, and lone surrogates, which UTF-8 could not tell apart.
    return JSON.stringify(JSON.parse(token))
  } catch {
    return FAULT
  }
}

function digitsEnd(text: string, at: number): number {
  for (; ; at++) {
    const code = text.charCodeAt(at)
    // Past the end the code is NaN, for which both comparisons fail.
    if (!(code >= DIGIT_0 && code <= DIGIT_9)) return at
  }
}

function kept(value: string, pointed: PointerNode | undefined): string {
  return pointed?.excluded === true ? '' : value
}
