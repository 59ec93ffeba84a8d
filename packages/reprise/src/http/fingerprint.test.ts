import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BodyInput } from './canonical-body.ts'
import {
  compileFingerprint,
  defaultFingerprintHeaders,
  type Fingerprint,
  type Fingerprinted,
  fingerprintValue,
  mismatchedDimensions,
} from './fingerprint.ts'

interface Sent {
  readonly method?: string
  readonly target?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Instead of `body`: what a parser made of it. */
  readonly parsed?: unknown
}

const usual = compileFingerprint()
const pepper = new Uint8Array(32).fill(7)

function made(sent: Sent, fingerprint: Fingerprint = usual): Fingerprinted {
  const headers = new Headers({ 'content-type': 'application/json', ...sent.headers })
  const { method = 'POST', target = '/payments', body = '{"amount":10}' } = sent
  const input: BodyInput =
    'parsed' in sent ? { kind: 'parsed', value: sent.parsed } : { kind: 'bytes', bytes: Buffer.from(body) }
  return fingerprint.of({ method, target, headers }, input)
}

function printOf(sent: Sent, fingerprint?: Fingerprint): string {
  const result = made(sent, fingerprint)
  if (result.kind === 'invalid') throw new Error(result.detail)
  return result.value
}

function differing(a: Sent, b: Sent, fingerprint?: Fingerprint): string[] {
  return mismatchedDimensions(printOf(a, fingerprint), printOf(b, fingerprint))
}

describe('form', () => {
  it('is a version, the method, three hints and a digest', () => {
    expect(printOf({})).toMatch(/^v1\.POST\.[\w-]{6}\.[\w-]{6}\.j[\w-]{6}\.[\w-]{43}$/)
  })

  it('never changes: these are in stores', () => {
    expect(printOf({})).toMatchInlineSnapshot(
      `"v1.POST.UqFhEA.NF4GY1.jqLiLgv.E-WZl8HzEV4LISpOpYqN1UZsOH5WZB2W0QGZ_pmiGB8"`,
    )
    expect(printOf({}, compileFingerprint({ pepper }))).toMatchInlineSnapshot(
      `"v1.POST.VSB4Mh.QyW6OH.jHDRwpX.bkMGaUQ5XbMnCQoAReMYnHNoofiEMsbrJkGyL4I9L0c"`,
    )
  })

  it('holds nothing of the request but its method', () => {
    const value = printOf({ target: '/secret', headers: { prefer: 'secret' }, body: '"secret"' })

    expect(value).not.toContain('secret')
  })
})

describe('the same request', () => {
  const multipart = (boundary: string): Sent => ({
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--${boundary}--\r\n`,
  })
  const form = { 'content-type': 'application/x-www-form-urlencoded' }

  it.each<[string, Sent, Sent]>([
    ['JSON spelled anew', { body: '{"a":1,"b":"\u00e9"}' }, { body: String.raw`{ "b": "\u00E9", "a": 1.0 }` }],
    ['a byte order mark', { body: '{}' }, { body: '\ufeff{}' }],
    ['type in another case', {}, { headers: { 'content-type': 'Application/JSON; charset=UTF-8' } }],
    ['percent-encoding of the target', { target: '/a~' }, { target: '/a%7E' }],
    ['order of query parameters', { target: '/a?x=1&y=2' }, { target: '/a?y=2&x=1' }],
    ['another boundary', multipart('aaa'), multipart('bbb')],
    ['order of form fields', { headers: form, body: 'a=x+y&b=2' }, { headers: form, body: 'b=2&a=x%20y' }],
    [
      'headers that do not count',
      {},
      { headers: { 'user-agent': 'x', accept: 'y', 'accept-encoding': 'z', cookie: 'c' } },
    ],
    ['the number of the attempt', {}, { headers: { 'idempotency-attempt': '2', 'idempotency-key': 'k' } }],
    ['a refreshed token', { headers: { authorization: 'Bearer a' } }, { headers: { authorization: 'Bearer b' } }],
    ['no bytes under a coding', { body: '' }, { body: '', headers: { 'content-encoding': 'gzip' } }],
  ])('%s', (_, a, b) => {
    expect(printOf(b)).toBe(printOf(a))
  })

  it.each([
    ['gzip', gzipSync],
    ['gzip', (body: Uint8Array) => gzipSync(body, { level: 1 })],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['identity', (body: Uint8Array) => body],
  ])('coded with %s', (coding, encode) => {
    const plain = '{"amount":10,"currency":"EUR"}'
    const coded = { headers: { 'content-encoding': coding }, body: encode(Buffer.from(plain)) }

    expect(printOf(coded)).toBe(printOf({ body: plain }))
  })

  it('parsed by a framework, where that lost nothing', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const body = JSON.stringify(value)
        expect(printOf({ parsed: JSON.parse(body) })).toBe(printOf({ body }))
      }),
    )
  })

  it.each<[string, Sent, Sent]>([
    ['nothing', { parsed: undefined }, { body: '' }],
    ['bytes', { parsed: Buffer.from('{ "a": 1 }') }, { body: '{"a":1}' }],
    [
      'text',
      { headers: { 'content-type': 'text/plain' }, parsed: 'hi' },
      { headers: { 'content-type': 'text/plain' }, body: 'hi' },
    ],
    ['a form', { headers: form, parsed: new URLSearchParams('b=2&a=1') }, { headers: form, body: 'a=1&b=2' }],
  ])('read as %s', (_, parsed, sent) => {
    expect(printOf(parsed)).toBe(printOf(sent))
  })
})

describe('another request', () => {
  it.each<[string, Sent, Sent, string[]]>([
    ['method', {}, { method: 'PUT' }, ['method']],
    ['path', {}, { target: '/refunds' }, ['target']],
    ['trailing slash', {}, { target: '/payments/' }, ['target']],
    ['query', {}, { target: '/payments?a=1' }, ['target']],
    ['amount', {}, { body: '{"amount":11}' }, ['body']],
    ['large integer', { body: '9007199254740992' }, { body: '9007199254740993' }, ['body']],
    ['type', {}, { headers: { 'content-type': 'application/x+json' } }, ['headers']],
    ['version in the type', {}, { headers: { 'content-type': 'application/json;v=2' } }, ['headers']],
    ['refreshed If-Match', { headers: { 'if-match': '"1"' } }, { headers: { 'if-match': '"2"' } }, ['headers']],
    ['API version', {}, { headers: { 'api-version': '2026-01-01' } }, ['headers']],
    ['an empty header', {}, { headers: { prefer: '' } }, ['headers']],
    [
      'all of it',
      {},
      { method: 'PUT', target: '/', headers: { prefer: 'x' }, body: '1' },
      ['method', 'target', 'headers', 'body'],
    ],
    ['no body and an empty text', { body: '' }, { body: '""' }, ['body']],
    ['no body and null', { body: '' }, { body: 'null' }, ['body']],
    ['null and nothing', { parsed: null }, { parsed: undefined }, ['body']],
  ])('by its %s', (_, a, b, dimensions) => {
    expect(differing(a, b)).toEqual(dimensions)
    expect(differing(a, b, compileFingerprint({ pepper }))).toEqual(dimensions)
  })

  it('with bytes that are not JSON, or not UTF-8, though the type says so', () => {
    expect(differing({ body: '{"a":1' }, { body: '{"a": 1' })).toEqual(['body'])
    expect(differing({ body: Buffer.from([0x22, 0xff, 0x22]) }, { body: Buffer.from([0x22, 0xfe, 0x22]) })).toEqual([
      'body',
    ])
  })

  it('whose parts only seem to be the same when written one after the other', () => {
    const headers = (a: string, b: string): Sent => ({ headers: { 'if-match': a, 'if-none-match': b } })

    expect(differing(headers('"1"13:if-none-match', ''), headers('"1"', '13:if-none-match'))).toEqual(['headers'])
    expect(printOf({ method: 'A', target: '/1:b' })).not.toBe(printOf({ method: 'A/1:', target: 'b' }))
  })

  it('under the same name, wherever the memory of the one before might have been left', () => {
    const sents: Sent[] = [
      {},
      { target: '/b' },
      { headers: { prefer: 'a' } },
      { headers: { 'content-type': 'text/plain' } },
      { body: '1' },
    ]
    const alone = sents.map((sent) => printOf(sent, compileFingerprint()))

    for (const a of sents.keys()) {
      for (const b of sents.keys()) {
        const shared = compileFingerprint()
        expect([a, b].map((at) => printOf(sents[at] as Sent, shared))).toEqual([alone[a], alone[b]])
      }
    }
  })
})

describe('a body without a fingerprint', () => {
  it.each<[string, string, Sent]>([
    ['request-body-invalid', 'two members of one name', { body: '{"amount":1,"amount":1000}' }],
    ['request-body-invalid', 'nested more than 200 deep', { body: '['.repeat(201) + ']'.repeat(201) }],
    ['request-body-invalid', 'does not decode as gzip', { headers: { 'content-encoding': 'gzip' } }],
    ['request-coding-unsupported', 'coded with zstd', { headers: { 'content-encoding': 'zstd' } }],
    [
      'request-body-too-large',
      'larger than 1048576 bytes once decoded',
      { headers: { 'content-encoding': 'gzip' }, body: gzipSync(Buffer.alloc(2_000_000)) },
    ],
  ])('%s: %s', (slug, detail, sent) => {
    expect(made(sent)).toEqual({ kind: 'invalid', slug, detail: expect.stringContaining(detail) })
  })

  it('is one that a parser hid', () => {
    expect(() => made({ parsed: new FormData() })).toThrow(expect.objectContaining({ code: 'body-consumed' }))
  })
})

describe('options', () => {
  it('count other headers, in any order and case', () => {
    const a = compileFingerprint({ headers: ['X-Tenant', 'Content-Type', 'prefer'] })
    const b = compileFingerprint({ headers: ['prefer', 'x-tenant'] })
    const sent = { headers: { 'x-tenant': 't', prefer: 'p' } }

    expect(printOf(sent, a)).toBe(printOf(sent, b))
    expect(differing({}, sent, a)).toEqual(['headers'])
    expect(differing({}, { headers: { 'if-match': '"1"' } }, a)).toEqual([])
  })

  it('do not change the fingerprint by naming a header that is not sent', () => {
    const more = compileFingerprint({ headers: [...defaultFingerprintHeaders, 'x-tenant'] })

    expect(printOf({}, more)).toBe(printOf({}))
  })

  it('leave out what pointers name, in JSON, forms and parsed bodies', () => {
    const fingerprint = compileFingerprint({ exclude: ['/sent_at', '/meta/nonce'] })
    const form = { 'content-type': 'application/x-www-form-urlencoded' }

    expect(differing({ body: '{"a":1,"sent_at":1}' }, { body: '{"sent_at":2,"a":1}' }, fingerprint)).toEqual([])
    expect(differing({ body: '{"a":1,"sent_at":1}' }, { parsed: { a: 1, sent_at: 2 } }, fingerprint)).toEqual([])
    expect(differing({ body: '{"meta":{"nonce":1}}' }, { body: '{"meta":{"nonce":2}}' }, fingerprint)).toEqual([])
    expect(differing({ body: '{"a":1,"sent_at":1}' }, { body: '{"a":2,"sent_at":1}' }, fingerprint)).toEqual(['body'])
    expect(differing({ headers: form, body: 'sent_at=1' }, { headers: form, body: 'sent_at=2' }, fingerprint)).toEqual(
      [],
    )
  })

  it('key every part of a fingerprint with the pepper', () => {
    const [plain, keyed] = [usual, compileFingerprint({ pepper })].map((fingerprint) =>
      printOf({}, fingerprint).split('.'),
    )

    expect(keyed?.slice(0, 2)).toEqual(plain?.slice(0, 2))
    for (const part of [2, 3, 4, 5]) expect(keyed?.[part]).not.toBe(plain?.[part])
  })

  it.each([
    { pepper: new Uint8Array(31) },
    { maxDecodedBytes: -1 },
    { maxDecodedBytes: Number.NaN },
    { headers: ['Idempotency-Attempt'] },
    { headers: ['authorization'] },
    { exclude: [''] },
    { exclude: ['a'] },
  ])('that cannot work are refused: %j', (options) => {
    expect(() => compileFingerprint(options)).toThrow(expect.objectContaining({ code: 'option-invalid' }))
  })
})

describe('fingerprintValue', () => {
  it('is of a name and an input, however the input is spelled', () => {
    expect(fingerprintValue('charge', { a: 1, b: 2 })).toBe(fingerprintValue('charge', { b: 2, a: 1 }))
    expect(mismatchedDimensions(fingerprintValue('charge', 1), fingerprintValue('charge', 2))).toEqual(['body'])
    expect(mismatchedDimensions(fingerprintValue('a#b', 1), fingerprintValue('a#c', 1))).toEqual(['target'])
  })

  it('is keyed by the fingerprint of a service with a pepper', () => {
    const keyed = compileFingerprint({ pepper })

    expect(fingerprintValue('charge', 1, keyed)).not.toBe(fingerprintValue('charge', 1))
  })
})

describe('mismatchedDimensions', () => {
  const hint = 'abcdef'
  const digest = 'd'.repeat(43)

  it('reads a method with a point in it', () => {
    const of = (method: string): string => `v1.${method}.${hint}.${hint}.j${hint}.${digest}`

    expect(mismatchedDimensions(of('X.Y'), of('X.Z'))).toEqual(['method'])
  })

  it('names nothing where only the digest differs', () => {
    const of = (last: string): string => `v1.POST.${hint}.${hint}.j${hint}.${digest.slice(1)}${last}`

    expect(mismatchedDimensions(of('a'), of('b'))).toEqual(['unknown'])
  })

  it.each(['', 'v2.POST.x', `v0.POST.${hint}.${hint}.j${hint}.${digest}`, 'sha256:abc'])(
    'does not compare itself with %j, of another version',
    (stored) => {
      expect(mismatchedDimensions(stored, printOf({}))).toEqual(['unknown'])
      expect(mismatchedDimensions(stored, stored)).toEqual([])
    },
  )

  it('names exactly what differs, for requests at random', () => {
    const requests = fc.record({
      method: fc.constantFrom('POST', 'PATCH'),
      target: fc.constantFrom('/a', '/b', '/a?x=1'),
      headers: fc.constantFrom<Record<string, string>>({}, { prefer: 'a' }, { prefer: 'b' }),
      body: fc.constantFrom('', '1', '[1]'),
    })

    fc.assert(
      fc.property(requests, requests, (a, b) => {
        const parts = ['method', 'target', 'headers', 'body'] as const
        expect(differing(a, b)).toEqual(parts.filter((part) => JSON.stringify(a[part]) !== JSON.stringify(b[part])))
      }),
    )
  })
})
