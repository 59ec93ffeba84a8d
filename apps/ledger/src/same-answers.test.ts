// Whoever moves the ledger to another database must not be noticed: the same requests get the same bytes.
import { expect, test } from 'vitest'
import { describeWith } from '../../../test/services/services.ts'
import { freshFile, freshSchemas, type MakeDatabase } from '../testing/databases.ts'
import { testLedger } from '../testing/ledger.ts'

const account = (id: string, currency = 'EUR', owner = 'Ἀλίκη «O’Brien» 😀') => ({ id, owner, currency })
const transfer = (from: string, to: string, amount: unknown, currency = 'EUR') => ({ from, to, amount, currency })

/** Each with a key of its own, unless it has one. */
const requests: readonly (readonly [path: string, body?: object, key?: string])[] = [
  ['/v1/accounts', account('b')],
  ['/v1/accounts', account('a')],
  ['/v1/accounts', account('z-after-world', 'EUR')],
  ['/v1/accounts', account('Ä')],
  ['/v1/accounts', account('d', 'USD')],
  ['/v1/accounts', { owner: 'somebody', currency: 'CHF' }],
  ['/v1/accounts', account('a', 'USD'), 'taken'],
  ['/v1/accounts', account('a', 'USD'), 'taken'],
  ['/v1/accounts', account('a', 'EUR'), 'taken'],
  ['/v1/transfers', transfer('world', 'a', 1e15)],
  ['/v1/transfers', { ...transfer('world', 'a', 1e15), reference: '“both” – \\ % _ \' "' }, 'again'],
  ['/v1/transfers', { ...transfer('world', 'a', 1e15), reference: '“both” – \\ % _ \' "' }, 'again'],
  ['/v1/transfers', transfer('world', 'd', 7, 'USD')],
  ['/v1/transfers', transfer('a', 'b', 12)],
  ['/v1/transfers', transfer('b', 'a', 2)],
  ['/v1/transfers', transfer('b', 'world', 3)],
  ['/v1/transfers', transfer('a', 'z-after-world', 4)],
  ['/v1/transfers', transfer('z-after-world', 'world', 5)],
  ['/v1/transfers', transfer('z-after-world', 'world', 1e15)],
  ['/v1/transfers', transfer('z-after-world', 'world', 1)],
  ['/v1/transfers', transfer('a', 'd', 1)],
  ['/v1/transfers', transfer('d', 'a', 1, 'USD')],
  ['/v1/transfers', transfer('nobody', 'a', 1)],
  ['/v1/transfers', transfer('a', 'a', 1)],
  ['/v1/transfers', transfer('world', 'd', 1e15, 'USD')],
  ...Array.from({ length: 8 }, () => ['/v1/transfers', transfer('world', 'b', 1e15)] as const),
  ['/v1/transfers', transfer('a', 'b', '1'), 'invalid'],
  ['/v1/transfers', transfer('a', 'b', 1), 'invalid'],
  ['/v1/accounts'],
  ['/v1/accounts?limit=3'],
  ['/v1/accounts?limit=0'],
  ['/v1/accounts/world'],
  ['/v1/accounts/a'],
  ['/v1/accounts/%00'],
  ['/v1/accounts/%F0%9F%98%80'],
  ['/v1/transfers'],
  ['/v1/transfers?limit=2'],
  ['/v1/transfers/nothing'],
  ['/v1/accounts?cursor=YWNjb3VudHM6AA'],
  ['/readyz'],
]

async function answersOn(make: MakeDatabase): Promise<unknown[]> {
  let ids = 0
  const now = new Date('2026-01-02T03:04:05.678Z')
  const ledger = await testLedger({
    make,
    ids: () => `id-${++ids}`,
    clock: { now: () => now, after: () => () => undefined, every: () => () => undefined },
  })
  try {
    const answers: unknown[] = []
    for (const [at, [path, body, key = `key-${at}`]] of requests.entries()) {
      const { status, headers, text } = await (body === undefined ? ledger.get(path) : ledger.post(path, body, { key }))
      // Apart from the moments at which it was said, and at which it will be forgotten, which the database tells.
      const { date: _said, 'idempotency-expires': _forgotten, ...rest } = headers
      answers.push({ path, status, headers: rest, text })
    }
    return answers
  } finally {
    await ledger.close()
  }
}

const describePostgres = await describeWith('postgres')

describePostgres('the same requests', () => {
  const make = freshSchemas()

  test('get the same answers from SQLite and from PostgreSQL, byte for byte', async () => {
    const [one, other] = [await answersOn(freshFile), await answersOn(make)]
    expect(one.length).toBeGreaterThan(40)
    expect(other).toEqual(one)
  })
})
