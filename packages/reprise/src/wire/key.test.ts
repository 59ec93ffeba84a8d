import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultKeyGrammar, type KeyFault, type KeyGrammar, parseKey, printKey, UnsayableKeyError } from './key.ts'

const UUID = '8e03978e-40d5-43e8-bc93-6894a57f9324'
const compat = defaultKeyGrammar
const strict: KeyGrammar = { ...defaultKeyGrammar, syntax: 'strict' }

function faultOf(lines: readonly string[], grammar: KeyGrammar = compat): KeyFault | 'missing' | 'none' {
  const parsed = parseKey(lines, grammar)
  return parsed.kind === 'invalid' ? parsed.reason : parsed.kind === 'missing' ? 'missing' : 'none'
}

/** Everything that parseKey can yield without a format. */
const keys = fc
  .string({
    unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
    minLength: 1,
    maxLength: 255,
  })
  .filter((key) => key.trim() !== '' && !key.includes(', '))

describe('the String tests of the HTTP working group', () => {
  const long = 'foo '.repeat(60)

  it.each([
    ['basic string', '"foo bar"', 'foo bar'],
    ['long string', `"${long}"`, long],
    ['string quoting', String.raw`"foo \"bar\" \\ baz"`, String.raw`foo "bar" \ baz`],
  ])('%s', (_, line, key) => {
    expect(parseKey([line], strict)).toEqual({ kind: 'key', key })
  })

  it.each([
    ['non-ascii string', '"f\u00fc\u00fc"', 'not-ascii'],
    ['tab in string', String.raw`"\t"`, 'malformed'],
    ['newline in string', String.raw`" \n "`, 'malformed'],
    ['single quoted string', "'foo'", 'not-quoted'],
    ['unbalanced string', '"foo', 'malformed'],
    ['bad string quoting', String.raw`"foo \,"`, 'malformed'],
    ['ending string quote', String.raw`"foo \"`, 'malformed'],
    ['abruptly ending string quote', '"foo \\', 'malformed'],
    ['a real tab', '"a\tb"', 'control'],
    ['a delete character', '"a\x7fb"', 'control'],
    ['two strings', '"foo" "bar"', 'malformed'],
    // These two are Strings, but not keys.
    ['empty string', '""', 'empty'],
    ['whitespace string', '"   "', 'empty'],
  ] as const)('%s is refused', (_, line, reason) => {
    expect(faultOf([line], strict)).toBe(reason)
  })

  it.each([
    '"a";v=1',
    '"a";v=-1.25',
    '"a";  v="x, \\" y"',
    '"a";b',
    '"a";b=?0;c=tok/en:*',
    '"a";c=:cHJldGVuZA==:',
    '"a";d=@1659578233;e=%"f%c3%bc"',
    '"a";*x._-*=1',
  ])('parameters are read and dropped: %s', (line) => {
    expect(parseKey([line], strict)).toEqual({ kind: 'key', key: 'a' })
  })

  it.each([
    '"a";',
    '"a";V=1',
    '"a";v=',
    '"a";v=1.',
    '"a";v=1.2345',
    '"a";v=1234567890123456',
    '"a";v="x',
    '"a";v=:a',
    '"a";v=?2',
    '"a";v=@1.5',
    '"a" ;v=1',
    '"a"; v =1',
    '"a"b',
  ])('parameters are checked: %s', (line) => {
    expect(faultOf([line], strict)).toBe('malformed')
  })
})

describe('bare keys', () => {
  it('are the same keys as quoted ones', () => {
    expect(parseKey([UUID], compat)).toEqual({ kind: 'key', key: UUID })
    expect(parseKey([`"${UUID}"`], compat)).toEqual(parseKey([UUID], compat))
    expect(parseKey([`  ${UUID}\t`], compat)).toEqual(parseKey([UUID], compat))
  })

  it.each(['a', '123', 'order:2026/07/x.y~z_1+2=3@4', 'a'.repeat(255)])('may be %s', (key) => {
    expect(parseKey([key], compat)).toEqual({ kind: 'key', key })
  })

  it.each(['a b', 'a;v=1', 'a"b', '{a}', '?1', 'a\\b', '(a)', 'a*b'])('may not be %s', (line) => {
    expect(faultOf([line], compat)).toBe('malformed')
  })

  it('are refused in strict syntax', () => {
    expect(faultOf([UUID], strict)).toBe('not-quoted')
  })
})

describe('a key that is not there, or there twice', () => {
  it('is missing only if there is no line at all', () => {
    expect(parseKey([], compat)).toEqual({ kind: 'missing' })
    expect(faultOf([''], compat)).toBe('empty')
    expect(faultOf([' \t '], strict)).toBe('empty')
  })

  it.each([[['a', 'b']], [['a', 'a']], [['"a"', '"a"']], [['"a', 'b"']], [['', '']], [['a', 'b', 'c']]])(
    'is repeated on lines %j',
    (lines) => {
      expect(faultOf(lines, compat)).toBe('repeated')
      expect(faultOf(lines, strict)).toBe('repeated')
    },
  )

  it.each(['a, b', 'a,b', '"a", "a"', '"a","b"', '"a";v=1, "b"', '"a" , "b"', '"a, b"'])(
    'is repeated in %s, as if lines had been joined on the way',
    (line) => {
      expect(faultOf([line], compat)).toBe('repeated')
      expect(faultOf([line], strict)).toBe('repeated')
    },
  )

  it('may hold a comma that joined nothing', () => {
    expect(parseKey(['"a,b"'], strict)).toEqual({ kind: 'key', key: 'a,b' })
  })
})

describe('lengths', () => {
  const limited: KeyGrammar = { ...compat, minLength: 16, maxLength: 20 }

  it('count the characters of the key, not of its spelling', () => {
    expect(faultOf(['a'.repeat(15)], limited)).toBe('too-short')
    expect(faultOf(['a'.repeat(16)], limited)).toBe('none')
    expect(faultOf([`"${'\\\\'.repeat(20)}"`], limited)).toBe('none')
    expect(faultOf(['a'.repeat(21)], limited)).toBe('too-long')
  })

  it('are told with both numbers', () => {
    expect(parseKey(['a'.repeat(300)], compat)).toMatchObject({ detail: expect.stringMatching(/300.*255/) })
  })
})

describe('formats', () => {
  const demand = (format: KeyGrammar['format']): KeyGrammar => ({ ...compat, format })

  it('uuid: any version, one spelling', () => {
    const grammar = demand('uuid')

    expect(parseKey([UUID.toUpperCase()], grammar)).toEqual({ kind: 'key', key: UUID })
    expect(parseKey([`"{${UUID}}"`], grammar)).toEqual({ kind: 'key', key: UUID })
    expect(faultOf([UUID.slice(1)], grammar)).toBe('wrong-format')
    expect(faultOf([`${UUID}0`], grammar)).toBe('wrong-format')
    expect(faultOf(['order-1'], grammar)).toBe('wrong-format')
  })

  it('uuid: not the two that everybody has', () => {
    expect(faultOf(['00000000-0000-0000-0000-000000000000'], demand('uuid'))).toBe('guessable')
    expect(faultOf(['FFFFFFFF-ffff-ffff-ffff-ffffffffffff'], demand('uuidv7'))).toBe('guessable')
  })

  it('uuidv7: tells when it was minted', () => {
    const grammar = demand('uuidv7')

    // RFC 9562, appendix A.6: 2022-02-22 14:22:22.00 GMT-05:00.
    expect(parseKey(['017F22E2-79B0-7CC3-98C4-DC0C0C07398F'], grammar)).toEqual({
      kind: 'key',
      key: '017f22e2-79b0-7cc3-98c4-dc0c0c07398f',
      mintedAtMs: 0x017f22e279b0,
    })
    expect(faultOf([UUID], grammar)).toBe('wrong-format')
  })

  it('ulid: upper case, and tells when it was minted', () => {
    const grammar = demand('ulid')

    expect(parseKey(['01arz3ndektsv4rrffq69g5fav'], grammar)).toEqual({
      kind: 'key',
      key: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
      mintedAtMs: 1469922850259,
    })
    expect(faultOf(['81ARZ3NDEKTSV4RRFFQ69G5FAV'], grammar)).toBe('wrong-format')
    expect(faultOf(['01ARZ3NDEKTSV4RRFFQ69G5FAU'], grammar)).toBe('wrong-format')
  })

  it('an expression is asked anew each time, though it remembers where it stopped', () => {
    const grammar = demand(/^ord_\d+$/g)

    expect([faultOf(['ord_1'], grammar), faultOf(['ord_1'], grammar)]).toEqual(['none', 'none'])
    expect(faultOf(['ORD_1'], grammar)).toBe('wrong-format')
  })

  it('without one, keys are compared as they are', () => {
    expect(parseKey([UUID.toUpperCase()], compat)).toEqual({ kind: 'key', key: UUID.toUpperCase() })
  })
})

describe('laws', () => {
  it('a printed key is read back as the same key', () => {
    fc.assert(
      fc.property(keys, (key) => {
        expect(parseKey([printKey(key, 'strict')], strict)).toEqual({ kind: 'key', key })
        expect(parseKey([printKey(key, 'strict')], compat)).toEqual({ kind: 'key', key })
        expect(parseKey([printKey(key, 'compat')], compat)).toEqual({ kind: 'key', key })
      }),
    )
  })

  it('whatever is read can be printed, and means the same', () => {
    const pieces = fc.constantFrom(
      '"',
      '\\',
      ';',
      ',',
      ', ',
      '=',
      ' ',
      '\t',
      'a',
      '1',
      '?0',
      ':',
      '\u00e9',
      '\x00',
      '*',
    )
    const lines = fc.oneof(
      fc.string({ unit: pieces }),
      fc.string({ unit: pieces }).map((text) => `"${text}"`),
    )

    fc.assert(
      fc.property(lines, fc.constantFrom(compat, strict), (line, grammar) => {
        const parsed = parseKey([line], grammar)
        const again = parsed.kind === 'key' ? parseKey([printKey(parsed.key, grammar.syntax)], grammar) : parsed
        expect(again).toEqual(parsed)
        expect(parsed.kind).not.toBe('missing')
      }),
    )
  })

  it('a refusal never repeats the key', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^secret[0-9]{9}$/),
        fc.constantFrom('"', ' x', ';', '\u00e9', ', b'),
        (secret, spoilt) => {
          const parsed = parseKey([secret + spoilt], strict)
          expect(parsed).toMatchObject({ kind: 'invalid' })
          expect(JSON.stringify(parsed)).not.toContain(secret)
        },
      ),
    )
  })

  it.each(['', '  ', 'a, b', 'tab\t', 'caf\u00e9', 'nul\0'])('%j cannot be printed', (key) => {
    expect(() => printKey(key, 'strict')).toThrow(UnsayableKeyError)
  })

  it('a megabyte of anything is refused or read in one pass', () => {
    const size = 1_000_000
    const hostile = ['"', '\\', '"\\', '" ', ';', '"a";', '"a"; ', '"a";a=', 'a,', ' ', '\t"', '"a";a="\\"']

    for (const piece of hostile) expect(faultOf([piece.repeat(size / piece.length)], strict)).not.toBe('none')
    expect(faultOf([`"a"${';a=1'.repeat(size / 4)}`], strict)).toBe('none')
    expect(faultOf([`"${'a'.repeat(size)}"`], strict)).toBe('too-long')
  })
})
