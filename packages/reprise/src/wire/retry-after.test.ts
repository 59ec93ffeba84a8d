import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printHttpDate } from './http-date.ts'
import { parseRetryAfter, printRetryAfter, retryAfterSeconds } from './retry-after.ts'

const NOW = Date.UTC(2026, 0, 1, 12)

describe('parseRetryAfter', () => {
  it.each([
    ['0', 0],
    ['3', 3000],
    [' 3\t', 3000],
    ['007', 7000],
    [printHttpDate(NOW + 5000), 5000],
    [printHttpDate(NOW - 5000), 0],
  ])('reads %j as %d ms', (value, ms) => {
    expect(parseRetryAfter(value, NOW)).toBe(ms)
  })

  it.each(['86400', '9'.repeat(400), printHttpDate(NOW + 86_400_000)])('clamps %s to five minutes', (value) => {
    expect(parseRetryAfter(value, NOW)).toBe(300_000)
  })

  it('clamps to another maximum where one is given', () => {
    expect(parseRetryAfter('60', NOW, 20_000)).toBe(20_000)
  })

  it.each([undefined, null, '', ' ', '-1', '+1', '1.5', '1e3', '0x10', '3 s', '3, 4', 'soon', 'NaN'])(
    'ignores %j',
    (value) => {
      expect(parseRetryAfter(value, NOW)).toBeUndefined()
    },
  )

  it('yields a usable wait or nothing, for any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const ms = parseRetryAfter(text, NOW)
        return ms === undefined || (ms >= 0 && ms <= 300_000)
      }),
    )
  })
})

describe('printRetryAfter', () => {
  it.each([
    [-5, '1'],
    [0, '1'],
    [1, '1'],
    [1000, '1'],
    [1001, '2'],
    [Number.NaN, '1'],
    [Number.POSITIVE_INFINITY, '2147483648'],
  ])('prints %d ms as %s', (ms, text) => {
    expect(printRetryAfter(ms)).toBe(text)
  })

  it('never sends anybody back early', () => {
    const waits = fc.integer({ min: 1, max: 300_000 })

    fc.assert(fc.property(waits, (ms) => (parseRetryAfter(printRetryAfter(ms), NOW) ?? 0) >= ms))
    fc.assert(fc.property(waits, (ms) => String(retryAfterSeconds(ms)) === printRetryAfter(ms)))
  })
})
