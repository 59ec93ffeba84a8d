import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalMultipart } from './canonical-multipart.ts'

interface Part {
  readonly headers: readonly string[]
  readonly content: string
}

const FILE: Part = {
  headers: ['Content-Disposition: form-data; name="file"; filename="a.txt"', 'Content-Type: text/plain'],
  content: 'first\r\nsecond\r\n--not the boundary\r\n',
}
const FIELD: Part = { headers: ['Content-Disposition: form-data; name="amount"'], content: '10' }

function body(boundary: string, parts: readonly Part[]): Buffer {
  const written = parts.map(({ headers, content }) => `--${boundary}\r\n${headers.join('\r\n')}\r\n\r\n${content}\r\n`)
  return Buffer.from(`${written.join('')}--${boundary}--\r\n`, 'latin1')
}

function canonical(parts: readonly Part[], boundary = 'b'): string | undefined {
  return canonicalMultipart(body(boundary, parts), boundary)
}

describe('canonicalMultipart', () => {
  it('does not see the boundary', () => {
    const boundaries = fc.stringMatching(/^[0-9A-Za-z'()+_,./:=?-]{20,70}$/)

    fc.assert(
      fc.property(boundaries, boundaries, (a, b) => {
        expect(canonical([FILE, FIELD], a)).toBeDefined()
        expect(canonical([FILE, FIELD], a)).toBe(canonical([FILE, FIELD], b))
      }),
    )
  })

  it('does not see case and order of header names, nor spaces around them', () => {
    const other = {
      ...FILE,
      headers: ['content-TYPE:text/plain', 'content-disposition:  form-data; name="file"; filename="a.txt" '],
    }

    expect(canonical([other])).toBe(canonical([FILE]))
  })

  it.each<[string, Part[]]>([
    ['content', [{ ...FILE, content: 'other' }]],
    ['filename', [{ ...FILE, headers: ['Content-Disposition: form-data; name="file"; filename="b.txt"'] }]],
    ['type', [{ ...FILE, headers: [FILE.headers[0] as string, 'Content-Type: text/html'] }]],
    ['number of parts', [FILE, FILE]],
    ['a part less', []],
  ])('sees another %s', (_, parts) => {
    expect(canonical(parts)).not.toBe(canonical([FILE]))
  })

  it('sees the order of parts', () => {
    expect(canonical([FILE, FIELD])).not.toBe(canonical([FIELD, FILE]))
  })

  it('is the same for two bodies exactly if their parts are', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ':', '\n', '1:', 'x:a', '\x80') })
    const parts = fc.array(fc.record({ headers: fc.array(fc.constantFrom('A: 1', 'B: 2', 'A: 11:')), content: text }), {
      maxLength: 3,
    })
    const oracle = (of: readonly Part[]): string => JSON.stringify(of.map((p) => [[...p.headers].sort(), p.content]))

    fc.assert(fc.property(parts, parts, (a, b) => (canonical(a) === canonical(b)) === (oracle(a) === oracle(b))))
  })

  it.each([
    ['a part without headers', '--b\r\n\r\ncontent\r\n--b--'],
    ['a part without content', '--b\r\nA: 1\r\n\r\n--b--'],
    ['padding after a delimiter', '--b \t\r\nA: 1\r\n\r\ncontent\r\n--b--\r\n'],
    ['a line break in front', '\r\n--b\r\nA: 1\r\n\r\ncontent\r\n--b--'],
    ['no parts', '--b--'],
  ])('reads %s', (_, text) => {
    expect(canonicalMultipart(Buffer.from(text), 'b')).toBeDefined()
  })

  it.each([
    ['no delimiter', 'anything'],
    ['no end', '--b\r\nA: 1\r\n\r\ncontent'],
    ['no blank line', '--b\r\nA: 1\r\n--b--'],
    ['bare line feeds', '--b\nA: 1\n\ncontent\n--b--'],
    ['a preamble', 'hello\r\n--b\r\nA: 1\r\n\r\ncontent\r\n--b--'],
    ['an epilogue', '--b\r\nA: 1\r\n\r\ncontent\r\n--b--\r\nbye'],
    ['a header that is none', '--b\r\nA 1\r\n\r\ncontent\r\n--b--'],
    ['a folded header', '--b\r\nA: 1\r\n 2\r\n\r\ncontent\r\n--b--'],
    ['a longer delimiter', '--b\r\nA: 1\r\n\r\ncontent\r\n--bb\r\n\r\n\r\n--b--'],
    ['a delimiter among headers', '--b\r\nA: 1\r\n--b: 2\r\n\r\ncontent\r\n--b--'],
    ['too many parts', `${'--b\r\n\r\n\r\n'.repeat(1001)}--b--`],
  ])('does not guess at %s', (_, text) => {
    expect(canonicalMultipart(Buffer.from(text), 'b')).toBeUndefined()
  })

  it('takes one pass over megabytes built to cost more', () => {
    const hostile = ['\r\n--b', '--b\r\n', 'a:b\r\n', ' ', '\r\n', '-']

    for (const piece of hostile) {
      const bytes = Buffer.from(`--bb\r\n${piece.repeat(2_000_000 / piece.length)}`)
      expect(canonicalMultipart(bytes, 'bb')).toBeUndefined()
    }
  })
})
