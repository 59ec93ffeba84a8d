import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { decode } from './content-coding.ts'

const MAX = 1_048_576
const TEXT = Buffer.from('the same bytes as before')

describe('decode', () => {
  it.each<[string | undefined, Uint8Array]>([
    [undefined, TEXT],
    ['', TEXT],
    ['identity', TEXT],
    ['gzip', gzipSync(TEXT)],
    ['GZip', gzipSync(TEXT, { level: 1 })],
    ['x-gzip', gzipSync(TEXT)],
    ['deflate', deflateSync(TEXT)],
    ['deflate', deflateRawSync(TEXT)],
    ['br', brotliCompressSync(TEXT)],
    ['gzip, br', brotliCompressSync(gzipSync(TEXT))],
    [' br ,, identity, gzip', gzipSync(brotliCompressSync(TEXT))],
  ])('undoes %j', (coding, bytes) => {
    const decoded = decode(bytes, coding, MAX)

    expect(decoded.kind === 'decoded' && Buffer.from(decoded.bytes).toString()).toBe(TEXT.toString())
  })

  it('takes no bytes for a body that was not sent', () => {
    expect(decode(new Uint8Array(), 'gzip', MAX)).toEqual({ kind: 'decoded', bytes: new Uint8Array() })
  })

  it.each([
    ['gzip', gzipSync(TEXT)],
    [undefined, TEXT],
  ])('counts the last byte under %s', (coding, bytes) => {
    expect(decode(bytes, coding, TEXT.length).kind).toBe('decoded')
    expect(decode(bytes, coding, TEXT.length - 1)).toEqual({ kind: 'too-large', maxBytes: TEXT.length - 1 })
  })

  it.each([
    ['gzip', gzipSync(Buffer.alloc(50_000_000))],
    ['deflate', deflateSync(Buffer.alloc(50_000_000))],
    ['br', brotliCompressSync(Buffer.alloc(50_000_000))],
    ['gzip, gzip', gzipSync(gzipSync(Buffer.alloc(50_000_000)))],
  ])('stops a %s bomb at the cap', (coding, bomb) => {
    expect(bomb.length).toBeLessThan(MAX)

    expect(decode(bomb, coding, MAX)).toEqual({ kind: 'too-large', maxBytes: MAX })
  })

  it.each([
    ['zstd', 'zstd'],
    ['gzip, sdch', 'sdch'],
    ['gzip, gzip, gzip', '3 codings'],
    ['<script>', 'an unknown coding'],
    [`x${'y'.repeat(5000)}`, 'an unknown coding'],
  ])('does not know %.20s', (header, coding) => {
    expect(decode(TEXT, header, MAX)).toEqual({ kind: 'unsupported', coding })
  })

  it.each([
    ['gzip', TEXT],
    ['gzip', gzipSync(TEXT).subarray(0, 15)],
    ['deflate', TEXT],
    ['br', TEXT],
  ])('says that broken %s is broken', (coding, bytes) => {
    expect(decode(bytes, coding, MAX)).toEqual({ kind: 'malformed', coding })
  })

  it.each([0, Number.POSITIVE_INFINITY])('works under a cap of %d', (maxBytes) => {
    expect(decode(gzipSync(TEXT), 'gzip', maxBytes).kind).toBe(maxBytes === 0 ? 'too-large' : 'decoded')
  })
})
