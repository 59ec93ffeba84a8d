import fc from 'fast-check'
import { expect, it } from 'vitest'
import { lengthPrefixed } from './length-prefixed.ts'

it('makes no text twice of two different tuples', () => {
  // Little but digits and colons, so that a mere delimiter would often fail.
  const tuples = fc.array(fc.string({ unit: fc.constantFrom('0', '1', '2', ':', 'a') }), { maxLength: 4 })
  const written = (tuple: readonly string[]): string => tuple.map(lengthPrefixed).join('')

  fc.assert(
    fc.property(tuples, tuples, (a, b) => {
      expect(written(a) === written(b)).toBe(JSON.stringify(a) === JSON.stringify(b))
    }),
    { numRuns: 2000 },
  )
})

it('tells the pairs apart that a colon does not', () => {
  expect(lengthPrefixed('a:b') + lengthPrefixed('c')).not.toBe(lengthPrefixed('a') + lengthPrefixed('b:c'))
})
