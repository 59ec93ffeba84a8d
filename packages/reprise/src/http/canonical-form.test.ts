import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalForm, fieldText } from './canonical-form.ts'

function form(text: string, excluded?: ReadonlySet<string>): string | undefined {
  return canonicalForm(Buffer.from(text, 'latin1'), excluded)
}

describe('canonicalForm', () => {
  it.each([
    ['order of names', 'a=1&b=2', 'b=2&a=1'],
    ['a space', 'a=x+y', 'a=x%20y'],
    ['hexadecimal digits', 'a=%c3%a9', 'a=%C3%A9'],
    ['a byte that needs no escape', 'a=%7e%41', 'a=~A'],
    ['a byte that should have had one', 'a=\xc3\xa9*', 'a=%C3%A9%2A'],
    ['a field without a value', 'a', 'a='],
    ['empty fields', 'a=1&b=2', '&a=1&&b=2&'],
    ['a percent sign that escapes nothing', 'a=100%', 'a=100%25'],
    ['an equals sign in a value', 'a=b=c', 'a=b%3Dc'],
  ])('does not see %s', (_, a, b) => {
    expect(form(b)).toBe(form(a))
  })

  it.each([
    ['order of equal names', 'a=1&a=2', 'a=2&a=1'],
    ['a repeated field', 'a=1', 'a=1&a=1'],
    ['two bytes that are no UTF-8', 'a=%FF', 'a=%FE'],
    ['a plus sign and a space', 'a=%2B', 'a=+'],
    ['an ampersand in a value', 'a=1%26b=2', 'a=1&b=2'],
    ['an equals sign in a name', 'a%3Db=c', 'a=b%3Dc'],
    ['letter case', 'a=x', 'a=X'],
  ])('sees %s', (_, a, b) => {
    expect(form(b)).not.toBe(form(a))
  })

  it('is the same for two forms exactly if their fields are, name by name', () => {
    const fields = fc.array(
      fc.tuple(fc.constantFrom('a', 'b', '&', '=', '%', '+', ' '), fc.constantFrom('', '1', '&', '=')),
    )

    fc.assert(
      fc.property(fields, fields, (a, b) => {
        const same = JSON.stringify(byName(a)) === JSON.stringify(byName(b))
        const [formA, formB] = [a, b].map((pairs) => form(new URLSearchParams(pairs).toString()))
        expect(formA === formB).toBe(same)
      }),
    )
  })

  it('leaves out excluded fields, however their names are spelled', () => {
    const excluded = new Set([fieldText('sent at'), fieldText('caf\u00e9'), fieldText('100%+')])

    expect(form('a=1&sent+at=2&sent%20at=3&caf%c3%a9=4&100%25%2b=5', excluded)).toBe('a=1')
  })

  it('does not sort what no parser would read', () => {
    expect(form('a=1&'.repeat(9_999))).toBeDefined()
    expect(form('a=1&'.repeat(10_001))).toBeUndefined()
  })
})

function byName(pairs: readonly [string, string][]): [string, string[]][] {
  const names = [...new Set(pairs.map(([name]) => name))].sort()
  return names.map((name) => [name, pairs.filter((pair) => pair[0] === name).map(([, value]) => value)])
}
