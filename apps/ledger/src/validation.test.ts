import { describe, expect, test } from 'vitest'
import { NewAccount } from './accounts/schema.ts'
import { NewTransfer } from './transfers/schema.ts'
import { checkBody } from './validation.ts'

const transfer = { from: 'alice', to: 'bob', amount: 1, currency: 'EUR' }

function pointersOf(body: unknown, schema = NewTransfer as Parameters<typeof checkBody>[0]): string[] {
  const checked = checkBody(schema, body)
  if (checked.kind === 'valid') return []
  const pointers = (checked.problem.errors as { pointer: string }[]).map(({ pointer }) => pointer)
  return [...new Set(pointers)]
}

describe('each fault is found where it is', () => {
  test.for([
    ['nothing wrong', transfer, []],
    ['all that there may be', { ...transfer, reference: 'Rent, May — №5' }, []],
    ['no body', undefined, ['']],
    ['null', null, ['']],
    ['a list', [transfer], ['']],
    ['a text', 'transfer', ['']],
    ['nothing in it', {}, ['/from', '/to', '/amount', '/currency']],
    ['a text for a number', { ...transfer, amount: '1' }, ['/amount']],
    ['a fraction', { ...transfer, amount: 1.5 }, ['/amount']],
    ['nothing to move', { ...transfer, amount: 0 }, ['/amount']],
    ['less than nothing', { ...transfer, amount: -1 }, ['/amount']],
    ['the largest amount', { ...transfer, amount: 1e15 }, []],
    ['more than the largest', { ...transfer, amount: 1e15 + 1 }, ['/amount']],
    ['more than exact', { ...transfer, amount: 1e300 }, ['/amount']],
    ['a currency in lower case', { ...transfer, currency: 'eur' }, ['/currency']],
    ['a currency with a line end', { ...transfer, currency: 'EUR\n' }, ['/currency']],
    ['an id with a slash', { ...transfer, from: 'a/b' }, ['/from']],
    ['an id that is too long', { ...transfer, to: 'b'.repeat(65) }, ['/to']],
    ['an empty reference', { ...transfer, reference: '' }, ['/reference']],
    ['a reference of null', { ...transfer, reference: null }, ['/reference']],
    ['a NUL', { ...transfer, reference: 'a\0b' }, ['/reference']],
    ['half a surrogate pair', { ...transfer, reference: 'a\ud83d' }, ['/reference']],
    ['a whole surrogate pair', { ...transfer, reference: 'a😀' }, []],
    ['unknown members', { ...transfer, memo: 1, 'a/b~c': 2 }, ['/memo', '/a~1b~0c']],
    [
      'a member with a meaning elsewhere',
      JSON.parse('{"__proto__":{"amount":1}}'),
      ['/from', '/to', '/amount', '/currency', '/__proto__'],
    ],
  ] as const)('%s', ([, body, pointers]) => {
    expect(pointersOf(body).sort()).toEqual([...pointers].sort())
  })
})

test('an account takes an owner in any script, up to 200 characters', () => {
  expect(pointersOf({ owner: 'Ἀλίκη Ἀδάμ', currency: 'EUR' }, NewAccount)).toEqual([])
  expect(pointersOf({ owner: 'x'.repeat(201), currency: 'EUR' }, NewAccount)).toEqual(['/owner'])
})

test('many faults are told up to a bound', () => {
  const body = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`m${at}`, at]))
  expect(pointersOf(body)).toHaveLength(20)
})

test('what is told never repeats a value', () => {
  const checked = checkBody(NewTransfer, { ...transfer, currency: 'S3CRET', amount: 's3cret' })
  expect(JSON.stringify(checked)).not.toMatch(/s3cret/i)
})
