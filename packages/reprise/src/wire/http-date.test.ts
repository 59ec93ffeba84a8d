import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseHttpDate, printHttpDate } from './http-date.ts'

const IN_1994 = Date.UTC(1994, 10, 6, 8, 49, 37)
const NOW = Date.UTC(2026, 0, 1)

describe('parseHttpDate', () => {
  it.each(['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])(
    'reads the RFC example %s',
    (text) => {
      expect(parseHttpDate(text, NOW)).toBe(IN_1994)
    },
  )

  it('takes a two-digit year more than 50 years ahead for one of the past', () => {
    expect(parseHttpDate('Friday, 01-Jan-76 00:00:00 GMT', NOW)).toBe(Date.UTC(2076, 0, 1))
    expect(parseHttpDate('Saturday, 01-Jan-77 00:00:00 GMT', NOW)).toBe(Date.UTC(1977, 0, 1))
  })

  it('takes a leap second for the next second', () => {
    expect(parseHttpDate('Sat, 31 Dec 2016 23:59:60 GMT', NOW)).toBe(Date.UTC(2017, 0, 1))
  })

  it.each([
    '',
    'tomorrow',
    '1994-11-06T08:49:37Z',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 UTC',
    'Sun, 06 Nov 1994 08:49:37 GMT ',
    'Sun, 30 Feb 1994 08:49:37 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    'Sun, 06 Foo 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1994 08:60:00 GMT',
    'sun, 06 nov 1994 08:49:37 gmt',
  ])('says that %j is no date', (text) => {
    expect(parseHttpDate(text, NOW)).toBeUndefined()
  })
})

describe('printHttpDate', () => {
  it('prints the preferred form', () => {
    expect(printHttpDate(IN_1994 + 999)).toBe('Sun, 06 Nov 1994 08:49:37 GMT')
  })

  it('prints what is read back, for every second of the four-digit years', () => {
    const seconds = fc.integer({ min: Date.UTC(-1, 12) / 1000, max: Date.UTC(9999, 11, 31) / 1000 })

    fc.assert(fc.property(seconds, (s) => parseHttpDate(printHttpDate(s * 1000), NOW) === s * 1000))
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Date.UTC(10_000, 0)])('refuses %d', (ms) => {
    expect(() => printHttpDate(ms)).toThrow(RangeError)
  })
})
