import { expect, test } from 'vitest'
import { parseCursor, printCursor, readPage, type Source } from './paging.ts'

const ids = Array.from({ length: 120 }, (_, at) => ({ id: `item-${at}` }))
const source: Source<{ id: string }> = {
  has: async (id) => ids.some((item) => item.id === id),
  read: async (after, limit) => {
    const start = after === undefined ? 0 : ids.findIndex(({ id }) => id === after) + 1
    return ids.slice(start, start + limit)
  },
}

test.for([1, 7, 40, 60, 119, 120, 200])('pages of %i hold every item once, in order', async (limit) => {
  const seen: { id: string }[] = []
  let cursor: string | null | undefined
  while (cursor !== null) {
    const query = { limit: String(limit), ...(cursor === undefined ? {} : { cursor }) }
    const read = await readPage('accounts', query, source)
    if (read.kind === 'refused') throw new Error(read.problem.detail)
    expect(read.page.items.length).toBeLessThanOrEqual(limit)
    expect(read.page.items.length).toBeGreaterThan(0)
    seen.push(...read.page.items)
    cursor = read.page.next_cursor
  }
  expect(seen).toEqual(ids)
})

test('50 items unless told', async () => {
  expect(await readPage('accounts', {}, source)).toMatchObject({ page: { items: { length: 50 } } })
})

test.for([
  { limit: '0' },
  { limit: '201' },
  { limit: '' },
  { limit: '-1' },
  { limit: '1.5' },
  { limit: '1e2' },
  { limit: ' 5' },
  { limit: ['5', '6'] },
])('a limit that is none is refused: %o', async (query) => {
  expect(await readPage('accounts', query, source)).toMatchObject({
    kind: 'refused',
    problem: { status: 400, code: 'query-invalid', errors: [{ parameter: 'limit' }] },
  })
})

test.for([
  '',
  'nonsense',
  printCursor('transfers', 'item-3'),
  `${printCursor('accounts', 'item-3')}=`,
  ` ${printCursor('accounts', 'item-3')}`,
  printCursor('accounts', 'item-999'),
  printCursor('accounts', ''),
])('a cursor that this list never gave is refused: "%s"', async (cursor) => {
  expect(await readPage('accounts', { cursor }, source)).toMatchObject({
    kind: 'refused',
    problem: { status: 400, errors: [{ parameter: 'cursor' }] },
  })
})

test.for(['a', 'with:colons', 'ünicode', 'accounts:twice'])('a cursor is read back: %s', (id) => {
  expect(parseCursor('accounts', printCursor('accounts', id))).toBe(id)
})
