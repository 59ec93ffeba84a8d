import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, JSON_DEPTH_MAX } from './canonical-json.ts'
import { canonicalValue } from './canonical-value.ts'
import { compilePointers } from './json-pointer.ts'

describe('canonicalValue', () => {
  it('is the canonical JSON of the text that was parsed', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(canonicalValue(JSON.parse(text))).toEqual(canonicalJson(JSON.stringify(JSON.parse(text))))
      }),
    )
  })

  it('leaves out what the text would leave out', () => {
    const excluded = compilePointers(['/a/0', '/b/c', '/d'])?.tree
    const value = { a: [1, 2], b: { c: 1, e: 2 }, d: { f: 1 } }

    expect(canonicalValue(value, excluded)).toEqual(canonicalJson(JSON.stringify(value), excluded))
    expect(canonicalValue(value, excluded)).toEqual({ kind: 'canonical', text: '{"a":[2],"b":{"e":2}}' })
  })

  it.each([
    ['undefined members are not there', { a: 1, b: undefined }, '{"a":1}'],
    ['undefined elements are null', [undefined], '[null]'],
    ['dates', { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    ['big integers', [12345678901234567890n, 10n ** 30n], '[12345678901234567890,1e+30]'],
    ['no prototype', Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
    ['a name that is special to objects', JSON.parse('{"__proto__":1}'), '{"__proto__":1}'],
    ['numbers that JSON lacks', [Number.NaN, Number.NEGATIVE_INFINITY, -0], '[NaN,-Infinity,0]'],
    ['lone surrogates', '\ud800', String.raw`"\ud800"`],
  ])('%s', (_, value, text) => {
    expect(canonicalValue(value)).toEqual({ kind: 'canonical', text })
  })

  it('tells bytes within a value apart by their content', () => {
    const bytes = canonicalValue({ file: Buffer.from('abc') })

    expect(bytes).toEqual(canonicalValue({ file: new Uint8Array([97, 98, 99]) }))
    expect(bytes).toEqual(canonicalValue({ file: new DataView(new Uint8Array([97, 98, 99]).buffer) }))
    expect(bytes).not.toEqual(canonicalValue({ file: Buffer.from('abd') }))
    expect(bytes).not.toEqual(canonicalValue({ file: 'abc' }))
  })

  it.each([
    ['a Map', new Map([['a', 1]])],
    ['a Blob', new Blob(['a'])],
    ['a FormData', new FormData()],
    ['a boxed number', new Number(1)],
    ['a function', () => 1],
    ['a symbol', Symbol('a')],
    ['an instance with private state', new (class Hidden {})()],
  ])('refuses %s, whose content it cannot see', (_, value) => {
    expect(() => canonicalValue({ value })).toThrow(expect.objectContaining({ code: 'body-consumed' }))
  })

  it('refuses what is nested as deep as no text may be, and a value within itself', () => {
    const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))
    const endless: { self?: object; again?: object } = {}
    endless.self = endless
    endless.again = endless

    expect(canonicalValue(nested(JSON_DEPTH_MAX)).kind).toBe('canonical')
    expect(canonicalValue(nested(JSON_DEPTH_MAX + 1)).kind).toBe('refused')
    expect(canonicalValue(endless).kind).toBe('refused')
  })
})
