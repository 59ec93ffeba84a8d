import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CanonicalJson, canonicalJson, JSON_DEPTH_MAX } from './canonical-json.ts'
import { compilePointers } from './json-pointer.ts'

function textOf(json: string): string {
  const canonical = canonicalJson(json)
  if (canonical.kind !== 'canonical') throw new Error(`${canonical.kind}: ${json.slice(0, 80)}`)
  return canonical.text
}

function kindOf(json: string): CanonicalJson['kind'] {
  return canonicalJson(json).kind
}

/** Nothing that one double or one name can't say. */
const values = fc.jsonValue({ maxDepth: 5 })
/** So few that two drawn at random are often the same. */
const fewValues = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, 0, 1, '', 'a'),
    fc.array(tie('value'), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('a', 'b'), tie('value')),
  ),
})).value

describe('spellings of one body', () => {
  it.each([
    ['members in another order', '{"a":1,"b":{"c":2,"d":3}}', '{"b":{"d":3,"c":2},"a":1}'],
    ['whitespace', '{"a":[1,2]}', ' {\t"a" :\r\n[ 1 , 2 ] } '],
    ['numbers', '[1,1,1,1]', '[1.0,1e0,10e-1,0.1E+1]'],
    ['negative zero', '[0]', '[-0.0]'],
    ['an escaped letter', '"\u00e9"', String.raw`"\u00e9"`],
    ['an escaped letter beyond 16 bits', '"\u{1f600}"', String.raw`"\ud83D\uDE00"`],
    ['an escaped name', '{"a":1}', String.raw`{"\u0061":1}`],
    ['an escaped slash', '"a/b"', String.raw`"a\/b"`],
    ['short and long escapes', String.raw`"\n\t\"\\"`, String.raw`"\u000a\u0009\u0022\u005c"`],
  ])('%s', (_, a, b) => {
    expect(textOf(b)).toBe(textOf(a))
  })

  it('come out as RFC 8785 has them', () => {
    const text = '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"literals":[null,true]}'

    // Like the RFC's own example, but that no digit is rounded away.
    expect(textOf(text)).toBe('{"literals":[null,true],"numbers":[333333333.33333329,1e+30,4.5,0.002,1e-27]}')
  })

  it('are the same however a value is spelled', () => {
    fc.assert(
      fc.property(values, fc.infiniteStream(fc.nat()), (value, choices) => {
        const choose = (n: number): number => (choices.next().value as number) % n
        expect(textOf(respell(value, choose))).toBe(textOf(JSON.stringify(value)))
      }),
    )
  })
})

describe('different bodies', () => {
  it.each([
    ['large integers', '[9007199254740992]', '[9007199254740993]'],
    ['a number and its text', '[1]', '["1"]'],
    ['order in an array', '[1,2]', '[2,1]'],
    ['null and nothing', '{"a":null}', '{}'],
    ['composed and decomposed letters', '"\u00e9"', '"e\u0301"'],
    ['two lone surrogates', String.raw`"\ud800"`, String.raw`"\ud801"`],
    ['a lone surrogate and the replacement character', String.raw`"\ud800"`, '"\ufffd"'],
    ['a lone surrogate and its escape, escaped', String.raw`"\ud800"`, String.raw`"\\ud800"`],
    ['letter case', '{"a":1}', '{"A":1}'],
    ['nesting', '[[1],2]', '[[1,2]]'],
    ['an empty array and an empty object', '[]', '{}'],
  ])('%s', (_, a, b) => {
    expect(textOf(b)).not.toBe(textOf(a))
  })

  it('are those that JSON.parse tells apart, where doubles suffice', () => {
    fc.assert(
      fc.property(fewValues, fewValues, (a, b) => {
        const same = isDeepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)))
        expect(textOf(JSON.stringify(a)) === textOf(JSON.stringify(b))).toBe(same)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('laws', () => {
  it('the canonical spelling means the same', () => {
    fc.assert(
      fc.property(values, (value) => {
        const text = JSON.stringify(value)
        expect(JSON.parse(textOf(text))).toEqual(JSON.parse(text))
      }),
    )
  })

  it('the canonical spelling of the canonical spelling is itself', () => {
    fc.assert(fc.property(values, (value) => textOf(textOf(JSON.stringify(value))) === textOf(JSON.stringify(value))))
  })

  it('a text is JSON exactly if JSON.parse says so', () => {
    const marks = String.raw`{ } [ ] , : " "a" "b" \ \u00 \ud800 true null fals 0 1 - + . e E NaN`.split(' ')
    const pieces = fc.constantFrom(...marks, ' ', '\n', '\t', '\x01', '\u00e9', '\ufeff', '\u2028', '\x7f')
    const nearly = fc.tuple(values, fc.nat(), fc.nat({ max: 3 }), pieces).map(([value, at, cut, piece]) => {
      const text = JSON.stringify(value)
      const from = at % (text.length + 1)
      return text.slice(0, from) + piece + text.slice(from + cut)
    })

    fc.assert(
      fc.property(fc.oneof(nearly, fc.string({ unit: pieces })), (text) => {
        const parses = isJson(text)
        const kind = kindOf(text)
        expect(kind === 'refused' ? 'canonical' : kind).toBe(parses ? 'canonical' : 'not-json')
      }),
      { numRuns: 2000 },
    )
  })
})

describe('duplicate members', () => {
  it.each([
    '{"amount":1,"amount":1000}',
    '{"a":1,"a":1}',
    String.raw`{"a":1,"\u0061":2}`,
    '[{"x":{"b":1,"a":2,"b":3}}]',
    `{${Array.from({ length: 40 }, (_, i) => `"k${i}":1`).join()},"k7":2}`,
  ])('are refused: %s', (text) => {
    const canonical = canonicalJson(text)

    expect(canonical).toEqual({ kind: 'refused', detail: expect.stringContaining('two members of one name') })
  })

  it('are refused without repeating them', () => {
    expect(JSON.stringify(canonicalJson('{"secret":1,"secret":2}'))).not.toContain('secret')
  })

  it('may be in two objects, and differ in case', () => {
    expect(kindOf('[{"a":1},{"a":1,"A":2}]')).toBe('canonical')
  })

  it('are found by their place in any object', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 60 }),
        fc.nat(),
        fc.nat(),
        (names, from, to) => {
          const members = names.map((name) => `${JSON.stringify(name)}:1`)
          const doubled = members.toSpliced(to % (names.length + 1), 0, members[from % names.length] as string)
          expect(kindOf(`{${members.join()}}`)).toBe('canonical')
          expect(kindOf(`{${doubled.join()}}`)).toBe('refused')
        },
      ),
    )
  })
})

describe('what does not count', () => {
  const without = (pointers: string[], text: string): CanonicalJson =>
    canonicalJson(text, compilePointers(pointers)?.tree)

  it.each([
    [['/sent_at'], '{"a":1,"sent_at":2}', '{"a":1}'],
    [['/sent_at'], '{"sent_at":2}', '{}'],
    [['/meta/sent_at'], '{"meta":{"sent_at":2,"b":1},"sent_at":3}', '{"meta":{"b":1},"sent_at":3}'],
    [['/meta', '/meta/deeper'], '{"meta":{"deeper":1},"a":1}', '{"a":1}'],
    [['/items/0/nonce'], '{"items":[{"nonce":1},{"nonce":2}]}', '{"items":[{},{"nonce":2}]}'],
    [['/items/1'], '{"items":[1,2,3]}', '{"items":[1,3]}'],
    [['/a~1b', '/c~0d'], '{"a/b":1,"c~d":2,"e":3}', '{"e":3}'],
    [['/~01'], '{"~1":1,"/":2}', '{"/":2}'],
    [['/'], '{"":1,"a":2}', '{"a":2}'],
    [['/a'], String.raw`{"\u0061":1}`, '{}'],
    [['/absent/deep'], '{"a":1}', '{"a":1}'],
  ])('%j leaves out of %s', (pointers, text, rest) => {
    expect(without(pointers, text)).toEqual({ kind: 'canonical', text: rest })
  })

  it('is still checked', () => {
    expect(without(['/a'], '{"a":tru}').kind).toBe('not-json')
    expect(without(['/a'], '{"a":1,"a":2}').kind).toBe('refused')
  })
})

describe('limits', () => {
  it('refuses what is nested too deep, and nothing before', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

    expect(kindOf(nested(JSON_DEPTH_MAX))).toBe('canonical')
    expect(kindOf(nested(JSON_DEPTH_MAX + 1))).toBe('refused')
    expect(kindOf('{"a":'.repeat(1_000_000))).toBe('refused')
  })

  it('takes one pass over megabytes built to cost more', () => {
    const size = 2_000_000
    const fill = (piece: string): string => piece.repeat(size / piece.length)
    const names = Array.from({ length: 100_000 }, (_, index) => `"name ${999_999 - index}":${index}`)
    const alike = Array.from({ length: 1000 }, (_, index) => `"${'a'.repeat(1000)}${9999 - index}":1`)
    let around = `"${fill('x')}"`
    for (let depth = 1; depth < JSON_DEPTH_MAX; depth++) around = `{"z":${around},"a":1}`

    const readable = [
      `[${fill('1,')}1]`,
      `[${fill('{"b":1,"a":2},')}1]`,
      `[${fill('"\\u0041",')}1]`,
      `[${fill('10e-5,')}1]`,
      `"${fill('\\u0041')}"`,
      `1${fill('0')}1`,
      `1e${fill('9')}`,
      `${fill(' ')}1${fill(' ')}`,
      `{${names.join()}}`,
      `{${alike.join()}}`,
      around,
    ]
    const unreadable = ['"', '\\', '"\\', '1', '-', '1e', '{"', '[1', '\ud800', 'true'].map(fill)

    for (const text of readable) expect(kindOf(text)).toBe('canonical')
    for (const text of unreadable) expect(['not-json', 'refused', 'canonical']).toContain(kindOf(text))
  })
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** JSON text of a value with members, spaces, escapes and numbers in any spelling. */
function respell(value: unknown, choose: (n: number) => number): string {
  const space = (): string => ['', '', ' ', '\n', '\t\r '][choose(5)] as string
  const escaped = (char: string): string =>
    char
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('')
  const string = (text: string): string =>
    `"${Array.from(text, (char) => (choose(3) === 0 ? escaped(char) : JSON.stringify(char).slice(1, -1))).join('')}"`
  const write = (part: unknown): string => {
    if (typeof part === 'string') return string(part)
    if (typeof part === 'number') return choose(2) === 0 ? JSON.stringify(part) : part.toExponential()
    if (typeof part !== 'object' || part === null) return JSON.stringify(part)
    if (Array.isArray(part)) return `[${space()}${part.map(write).join(`${space()},${space()}`)}${space()}]`
    const members = Object.entries(part).map(([name, member]) => `${string(name)}${space()}:${space()}${write(member)}`)
    for (let at = members.length - 1; at > 0; at--) {
      const other = choose(at + 1)
      const moved = members[at] as string
      members[at] = members[other] as string
      members[other] = moved
    }
    return `{${space()}${members.join(`${space()},${space()}`)}${space()}}`
  }
  return space() + write(value) + space()
}
