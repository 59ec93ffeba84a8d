import { expect, test } from 'vitest'
import { RepriseError } from '../../engine/errors.ts'
import { StagedData } from './staged-data.ts'

test('writes wait for the commit', () => {
  const data = new Map<string, unknown>([['gone', 1]])
  const staged = new StagedData(data)
  staged.set('new', 2)
  staged.delete('gone')
  expect([...data]).toEqual([['gone', 1]])
  staged.apply()
  expect([...data]).toEqual([['new', 2]])
})

test('a transaction sees its own writes and deletions', () => {
  const staged = new StagedData(new Map([['stock', 5]]))
  staged.set('stock', 4)
  expect(staged.get('stock')).toBe(4)
  staged.delete('stock')
  expect(staged.get('stock')).toBeUndefined()
})

test('a transaction reads the same twice, whatever others commit in between', () => {
  const data = new Map([['stock', 5]])
  const staged = new StagedData(data)
  staged.get('stock')
  data.set('stock', 3)
  expect(staged.get('stock')).toBe(5)
  expect(staged.holds()).toBe(false)
})

const touches: readonly (readonly [string, (tx: StagedData) => unknown])[] = [
  ['read', (tx) => tx.get('a')],
  ['written', (tx) => tx.set('a', 1)],
  ['deleted', (tx) => tx.delete('a')],
]
const changes: readonly ((data: Map<string, unknown>) => unknown)[] = [
  (data) => data.set('a', 9),
  (data) => data.delete('a'),
]

test.for(touches)('a key that was %s and that another has changed since is a conflict', ([, touch]) => {
  for (const change of changes) {
    const data = new Map<string, unknown>([['a', 0]])
    const staged = new StagedData(data)
    touch(staged)
    expect(staged.holds()).toBe(true)
    change(data)
    expect(staged.holds()).toBe(false)
  }
})

test('a key that was absent and has come since is a conflict, even as undefined', () => {
  const data = new Map<string, unknown>()
  const staged = new StagedData(data)
  staged.get('a')
  data.set('a', undefined)
  expect(staged.holds()).toBe(false)
})

test('what others do to keys that a transaction has not touched is none of its business', () => {
  const data = new Map<string, unknown>()
  const staged = new StagedData(data)
  staged.set('mine', 1)
  data.set('theirs', 2)
  expect(staged.holds()).toBe(true)
})

test('a value that went away and came back is no conflict', () => {
  const data = new Map<string, unknown>([['a', 5]])
  const staged = new StagedData(data)
  staged.get('a')
  data.set('a', 6)
  data.set('a', 5)
  expect(staged.holds()).toBe(true)
})

test('after its refusal every use throws', () => {
  const staged = new StagedData(new Map())
  staged.refuse(() => new RepriseError('transaction-ended', 'It is over.'))
  for (const use of [() => staged.get('a'), () => staged.set('a', 1), () => staged.delete('a')]) {
    expect(use).toThrow(expect.objectContaining({ code: 'transaction-ended' }))
  }
})
