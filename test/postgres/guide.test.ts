// docs/postgres.md: its examples are the code of this folder, and they run.
import { createReprise } from 'reprise'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { read } from '../repo.ts'
import { describeWith, sharedPostgres } from '../services/services.ts'
import { examples } from './examples/libraries.ts'
import { type Outside, outside, ownDatabase } from './given.ts'

const describePostgres = await describeWith('postgres')
const guide = read('docs/postgres.md')

test('the first example is the text of a file', () => {
  expect(guide).toContain(read('test/postgres/examples/orders.ts'))
})

test('every other line of code stands in a file that is run or compiled', () => {
  const code = ['examples/libraries.ts', 'prisma.test.ts', 'waiting.test.ts'].map((file) =>
    read(`test/postgres/${file}`),
  )
  const known = [...code, read('test/types/postgres.ts')].join('\n')
  const table = /\| library \|[\s\S]*?\n\n/.exec(guide)?.[0] ?? ''
  const cells = [...table.matchAll(/(`{1,2}) ?(.+?) ?\1(?!`)/g)].map(([, , cell]) => cell as string)
  expect(cells.length).toBeGreaterThan(10)
  const said = cells.filter((cell) => /[({]/.test(cell)).map((cell) => cell.replace(/^await /, ''))
  expect(said.filter((line) => !known.includes(line))).toEqual([])
})

describePostgres('the examples of docs/postgres.md', () => {
  let url = ''
  let seen: Outside
  beforeAll(async () => {
    url = await ownDatabase((await sharedPostgres()).url)
    seen = await outside(url)
    await seen.pool.query('create table orders (id int generated always as identity primary key, sku text not null)')
  })
  afterAll(() => seen?.end())
  const placed = async (sku: string): Promise<unknown> =>
    (await seen.one('select count(*)::int as n from orders where sku = $1', [sku])).n

  test('the first, over HTTP', async () => {
    vi.stubEnv('DATABASE_URL', url)
    const { POST, store } = (await import('./examples/orders.ts')) as typeof import('./examples/orders.ts')
    const headers = { 'idempotency-key': 'order-1', 'x-tenant': 'acme' }
    const post = () =>
      POST(new Request('http://localhost/orders', { method: 'POST', headers, body: '{"sku":"first"}' }))
    const [one, other] = [await post(), await post()]
    expect([one.status, other.status]).toEqual([201, 201])
    expect(await other.json()).toEqual(await one.json())
    expect(other.headers.get('location')).toBe('/orders/1')
    expect(await placed('first')).toBe(1)
    await store.close()
    vi.unstubAllEnvs()
  })

  test.each(Object.entries(examples))('with %s', async (name, open) => {
    const { store, place, close } = open(url)
    await store.migrate()
    const reprise = createReprise({ store, principal: () => 'p', replayCacheBytes: 0 })
    const run = () =>
      reprise.run({ name: 'order', guarantee: 'transactional' }, { principal: 'p', key: name }, async ({ tx }) => {
        await place(tx, name)
        return name
      })
    expect(await run()).toEqual({ kind: 'done', value: name, replayed: false })
    expect(await run()).toEqual({ kind: 'done', value: name, replayed: true })
    expect(await placed(name)).toBe(1)
    await store.close()
    await close()
  })
})
