import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalNumber } from './canonical-number.ts'

describe('canonicalNumber', () => {
  it.each([
    ['1', ['1', '1.0', '1e0', '1E+0', '10e-1', '0.1e1', '100e-2', '1.000000', '0.00001e5']],
    ['0', ['0', '-0', '0.0', '-0.0e7', '0e-5', '0e99999999999999999999']],
    ['-1.5', ['-1.5', '-15e-1', '-0.15e1', '-1.50']],
    ['100', ['100', '1e2', '100.0', '1e+02']],
    ['100000000000000000000', ['1e20', '100000000000000000000.0']],
    ['1e+21', ['1000000000000000000000', '10e20', '1E21', '1000000000000000000000.0']],
    ['0.000001', ['1e-6', '10e-7', '0.0000010']],
    ['1e-7', ['0.0000001', '10e-8', '0.1e-6']],
    ['1.2345e+30', ['12345e26', '1234500000000000000000000000000']],
  ])('%s is the one spelling of %j', (canonical, spellings) => {
    expect(spellings.map(canonicalNumber)).toEqual(spellings.map(() => canonical))
  })

  it.each([
    ['9007199254740992', '9007199254740993'],
    ['0.1', '0.10000000000000000001'],
    ['1e400', '1e401'],
    ['1e400', '1e4000'],
    ['1e-400', '0'],
    ['1', '-1'],
    ['1e99999999999999999999', '1e99999999999999999998'],
    ['123456789012345678901234567890', '123456789012345678901234567891'],
  ])('keeps %s and %s apart', (a, b) => {
    expect(canonicalNumber(a)).not.toBe(canonicalNumber(b))
  })

  it('writes every double as ECMAScript does', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (double) => {
        expect(canonicalNumber(String(double))).toBe(String(double))
        expect(canonicalNumber(double.toExponential())).toBe(String(double))
      }),
    )
  })

  it('is the same for two spellings exactly if they are the same number', () => {
    const decimals = fc.record({
      sign: fc.constantFrom('', '-'),
      digits: fc.bigInt({ min: 0n, max: 10n ** 40n }),
      exponent: fc.integer({ min: -40, max: 40 }),
    })
    const shifts = fc.integer({ min: -30, max: 30 })

    fc.assert(
      fc.property(decimals, decimals, shifts, shifts, (a, b, shiftA, shiftB) => {
        const [spelledA, spelledB] = [spell(a, shiftA), spell(b, shiftB)]
        expect(canonicalNumber(spelledA)).toBe(canonicalNumber(spell(a, shiftB)))
        expect(canonicalNumber(spelledA) === canonicalNumber(spelledB)).toBe(scaled(a) === scaled(b))
        expect(canonicalNumber(canonicalNumber(spelledA))).toBe(canonicalNumber(spelledA))
      }),
    )
  })

  it('takes one pass over a number of a million digits', () => {
    const zeros = '0'.repeat(1_000_000)

    expect(canonicalNumber(`1${zeros}1`)).toBe(`1.${zeros}1e+1000001`)
    expect(canonicalNumber(`0.${zeros}1`)).toBe('1e-1000001')
    expect(canonicalNumber(`0.${'10'.repeat(500_000)}`)).toHaveLength(1_000_001)
  })
})

interface Decimal {
  readonly sign: string
  readonly digits: bigint
  readonly exponent: number
}

/** A number with its point moved by `shift` and its exponent corrected for it. */
function spell({ sign, digits, exponent }: Decimal, shift: number): string {
  if (shift <= 0) return `${sign}${digits}${'0'.repeat(-shift)}e${exponent + shift}`
  const padded = String(digits).padStart(shift + 1, '0')
  return `${sign}${padded.slice(0, -shift)}.${padded.slice(-shift)}E${exponent + shift}`
}

function scaled({ sign, digits, exponent }: Decimal): bigint {
  return (sign === '-' ? -1n : 1n) * digits * 10n ** BigInt(exponent + 40)
}
