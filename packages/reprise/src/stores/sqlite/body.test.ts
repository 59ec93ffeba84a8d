import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeBody, encodeBody } from './body.ts'

it('is text where the bytes are UTF-8 without NUL, and comes back to the byte either way', () => {
  const bytes = fc.oneof(
    fc.uint8Array(),
    fc.string({ unit: 'grapheme' }).map((text) => new TextEncoder().encode(text)),
  )
  fc.assert(
    fc.property(bytes, (body) => {
      expect([...(decodeBody(encodeBody(body)) ?? [])]).toEqual([...body])
    }),
  )
  expect(typeof encodeBody(new TextEncoder().encode('{"id":1}'))).toBe('string')
  expect(typeof encodeBody(Uint8Array.of(97, 0, 98))).toBe('object')
})

it('keeps no body and an empty body apart', () => {
  expect(decodeBody(encodeBody(null))).toBe(null)
  expect(decodeBody(encodeBody(new Uint8Array()))?.byteLength).toBe(0)
})
