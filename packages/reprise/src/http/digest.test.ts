import { createHash, createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digestWith } from './digest.ts'

const messages = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.uint8Array(),
  fc.string({ minLength: 5000, maxLength: 20_000 }),
)

describe('digestWith', () => {
  it('is SHA-256 without a pepper', () => {
    const digest = digestWith(undefined)

    fc.assert(fc.property(messages, (m) => digest(m) === createHash('sha256').update(m).digest('base64url')))
  })

  it('is HMAC-SHA-256 with one of any length', () => {
    const peppers = fc.uint8Array({ minLength: 1, maxLength: 200 })

    fc.assert(
      fc.property(peppers, fc.array(messages), (pepper, inARow) => {
        const digest = digestWith(pepper)
        for (const m of inARow) expect(digest(m)).toBe(createHmac('sha256', pepper).update(m).digest('base64url'))
      }),
    )
  })

  it('keys messages of every size around the one up to which it does not allocate', () => {
    const pepper = Buffer.alloc(32, 7)
    const digest = digestWith(pepper)

    for (const size of [5439, 5440, 5441, 16_319, 16_320, 16_321, 100_000]) {
      for (const message of ['\u20ac'.repeat(size), Buffer.alloc(size, 1)]) {
        expect(digest(message)).toBe(createHmac('sha256', pepper).update(message).digest('base64url'))
      }
    }
  })
})
