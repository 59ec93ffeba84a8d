// A pool is the application's: several stores share it, others prepare and discard what they like on its connections, and it
// runs out.
import pg from 'pg'
import { createReprise, type Store } from 'reprise'
import { type PgTx, type PostgresSettings, postgres } from 'reprise/postgres'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { describeWith, sharedPostgres } from '../services/services.ts'
import { type Outside, outside, ownDatabase, tableName } from './given.ts'
import { told } from './libraries.ts'

const describePostgres = await describeWith('postgres')

describePostgres('a pool that is shared', () => {
  let url = ''
  let seen: Outside
  beforeAll(async () => {
    url = await ownDatabase((await sharedPostgres()).url)
    seen = await outside(url)
  })
  afterAll(() => seen?.end())

  async function withPool(config: pg.PoolConfig, check: (pool: pg.Pool) => Promise<void>): Promise<void> {
    const pool = new pg.Pool({ connectionString: url, ...config })
    try {
      await check(pool)
      await vi.waitFor(() => expect([pool.totalCount - pool.idleCount, pool.waitingCount]).toEqual([0, 0]))
      await seen.noLocks()
    } finally {
      await pool.end()
    }
  }
  async function storeOn(pool: pg.Pool, settings: PostgresSettings = {}): Promise<Store<PgTx>> {
    const store = postgres({ pool, table: tableName(), ...settings })
    await store.migrate()
    return store
  }
  const order = (store: Store<PgTx>, key: string, handler?: () => Promise<unknown>) =>
    told(
      createReprise({ store, principal: () => 'p', replayCacheBytes: 0 }).run(
        { name: 'order', guarantee: 'transactional' },
        { principal: 'p', key },
        async ({ tx }) => {
          await tx.query('insert into effects values ($1)', [key])
          await handler?.()
          return 'made'
        },
      ),
    )
  const charge = (store: Store<PgTx>, key: string) =>
    told(
      createReprise({ store, principal: () => 'p', replayCacheBytes: 0 }).run(
        { name: 'charge', guarantee: 'guarded' },
        { principal: 'p', key },
        () => 'made',
      ),
    )

  test('two stores of one table on one connection do not prepare in each other’s way', () =>
    withPool({ max: 1 }, async (pool) => {
      const table = tableName()
      const stores = [await storeOn(pool, { table }), await storeOn(pool, { table }), await storeOn(pool)]
      for (let round = 0; round < 3; round++) {
        for (const store of stores) {
          expect(await order(store, tableName())).toBe('done made')
          expect(await charge(store, tableName())).toBe('done made')
        }
      }
    }))

  test('what others discard of the connection costs no attempt more than an answer 503', () =>
    withPool({ max: 1 }, async (pool) => {
      const store = await storeOn(pool)
      for (const meddle of ['discard all', 'deallocate all', 'discard all']) {
        const key = tableName()
        expect([await order(store, key), await charge(store, `${key}c`)]).toEqual(['done made', 'done made'])
        await pool.query(meddle)
        expect(await order(store, `${key}a`)).toBe('done made')
        await pool.query(meddle)
        expect(await charge(store, `${key}b`)).toBe('done made')
      }
      // Where the first statement of a transaction is still known and the last is not.
      const ofLast = "select name from pg_prepared_statements where name like 'reprise_insert%'"
      const name = await vi.waitFor(async () => {
        expect(await order(store, tableName())).toBe('done made')
        const { rows } = await pool.query<{ name: string }>(ofLast)
        expect(rows).toHaveLength(1)
        return rows[0]?.name
      })
      await pool.query(`deallocate ${name}`)
      const key = tableName()
      expect(await order(store, key)).toBe('threw store-unavailable')
      expect(await seen.effects(key)).toBe(0)
      expect(await order(store, key)).toBe('done made')
    }))

  test('attempts for which there is no connection in time have done nothing, and go through later', () =>
    withPool({ max: 2 }, async (pool) => {
      const store = await storeOn(pool, { busyTimeout: 150 })
      const keys = Array.from({ length: 20 }, () => tableName())
      const slow = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 100))
      const ends = await Promise.all(keys.map((key) => order(store, key, slow)))
      const refused = keys.filter((_, n) => ends[n] === 'threw store-unavailable')
      expect(ends.filter((end) => end === 'done made').length).toBeGreaterThan(1)
      expect(refused.length).toBeGreaterThan(5)
      expect(new Set(ends)).toEqual(new Set(['done made', 'threw store-unavailable']))
      for (const key of refused) expect(await seen.effects(key)).toBe(0)
      for (const key of refused) expect(await order(store, key)).toBe('done made')
    }))

  test('a store that is closed waits for its transactions, and leaves the pool open', () =>
    withPool({ max: 2 }, async (pool) => {
      const store = await storeOn(pool)
      const key = tableName()
      let closing: Promise<void> | undefined
      const end = await order(store, key, async () => {
        closing = store.close()
      })
      await closing
      expect(end).toBe('done made')
      expect(await seen.effects(key)).toBe(1)
      expect(await order(store, tableName())).toBe('threw store-closed')
      expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    }))

  test('types that the application parses its own way are no concern of the store’s', async () => {
    const types = {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === 20 ? BigInt : (pg.types.getTypeParser(oid, format as 'text') as (text: string) => unknown),
    }
    await withPool({ max: 2, types: types as never }, async (pool) => {
      const store = await storeOn(pool)
      const key = tableName()
      expect([await order(store, key), await order(store, key)]).toEqual(['done made', 'replayed made'])
      expect([await charge(store, `${key}c`), await charge(store, `${key}c`)]).toEqual(['done made', 'replayed made'])
    })
  })

  test('clients that send several queries at once are used like any others', () =>
    withPool({ max: 2, pipeline: true } as pg.PoolConfig, async (pool) => {
      const store = await storeOn(pool)
      const keys = Array.from({ length: 10 }, () => tableName())
      expect(new Set(await Promise.all(keys.map((key) => order(store, key))))).toEqual(new Set(['done made']))
      expect(new Set(await Promise.all(keys.map((key) => order(store, key))))).toEqual(new Set(['replayed made']))
      expect(new Set(await Promise.all(keys.map((key) => charge(store, `${key}c`))))).toEqual(new Set(['done made']))
      const failing = await order(store, tableName(), async () => {
        throw new Error('not today')
      })
      expect(failing).toBe('threw not today')
    }))
})
