// PgBouncer in transaction mode hands each transaction another connection of the server. With `prepare: false` the store keeps
// its whole contract through it; with prepared statements it says what to switch off.
import { type Effects, storeConformance } from '@reprise/testkit'
import pg from 'pg'
import openPostgresJs from 'postgres'
import { createReprise, type Store } from 'reprise'
import { type PgTx, postgres } from 'reprise/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWith, sharedPgbouncer, sharedPostgres } from '../services/services.ts'
import { CuttablePool, type Outside, outside, ownDatabase, tableName } from './given.ts'
import { told } from './libraries.ts'

const describePgbouncer = await describeWith('postgres', 'pgbouncer')

describePgbouncer('through PgBouncer', () => {
  let seen: Outside
  let pooled = ''
  beforeAll(async () => {
    const own = await ownDatabase((await sharedPostgres()).url)
    seen = await outside(own)
    const through = new URL((await sharedPgbouncer()).url)
    through.pathname = new URL(own).pathname
    pooled = through.href
  })
  afterAll(() => seen?.end())

  describePgbouncer('the store on pg', () => {
    storeConformance<PgTx>(test, async ({ clock }) => {
      const table = tableName()
      const pools: CuttablePool[] = []
      await seen.pool.query(`create table ${table}_effects (key text primary key, value text)`)
      const reopen = async () => {
        await pools.at(-1)?.cut()
        const pool = new CuttablePool(pooled)
        pools.push(pool)
        const store = postgres({ pool, table, clock, prepare: false, isolation: 'repeatable read' })
        await store.migrate()
        return store
      }
      const put = `insert into ${table}_effects values ($1, $2) on conflict (key) do update set value = excluded.value`
      const get = `select value from ${table}_effects where key = $1`
      const effects: Effects<PgTx> = {
        get: async (tx, key) => (await tx.query<{ value: string }>(get, [key])).rows[0]?.value,
        set: async (tx, key, value) => {
          await tx.query(put, [key, value])
        },
        committed: async (key) => (await seen.one(get, [key]))?.value as string | undefined,
      }
      const store = await reopen()
      return {
        store,
        effects,
        reopen,
        dispose: async () => {
          await pools.at(-1)?.end()
          await seen.pool.query(`drop table ${table}, ${table}_effects`)
        },
      }
    })
  })

  test('who waits for another process looks, and gets the first answer', async () => {
    const table = tableName()
    const stores = [0, 1].map(() => postgres({ pool: new CuttablePool(pooled), table, prepare: false }))
    await stores[0]?.migrate()
    expect(stores[0]?.capabilities.wakesWaiters).toBe(false)
    const key = tableName()
    const policy = { name: 'order', guarantee: 'transactional', onConcurrent: { waitUpTo: '10s' } } as const
    const ends = await Promise.all(
      stores.map((store) => {
        const reprise = createReprise({ store, principal: () => 'p', replayCacheBytes: 0 })
        return told(
          reprise.run(policy, { principal: 'p', key }, async ({ tx }) => {
            await tx.query('insert into effects values ($1)', [key])
            await new Promise((resolve) => setTimeout(resolve, 200))
            return 'made'
          }),
        )
      }),
    )
    expect(ends.toSorted()).toEqual(['done made', 'replayed made'])
    expect(await seen.effects(key)).toBe(1)
    await seen.noLocks()
  })

  const libraries = {
    pg: (prepare: boolean) => {
      const pool = new CuttablePool(pooled, { max: 1 })
      return { store: postgres({ pool, prepare, busyTimeout: 2000 }) as Store<unknown>, end: () => pool.end() }
    },
    // Its own option is enough.
    'postgres.js': (prepare: boolean) => {
      const sql = openPostgresJs(pooled, { max: 1, fetch_types: false, prepare, onnotice: () => undefined })
      return { store: postgres({ sql, busyTimeout: 2000 }) as Store<unknown>, end: () => sql.end({ timeout: 1 }) }
    },
  }

  const kinds: readonly ('transactional' | 'guarded')[] = ['transactional', 'guarded']

  /** The connection of the server that was last in use is somebody else's for as long as `work` takes. */
  async function elsewhere<T>(work: () => Promise<T>): Promise<T> {
    const other = new pg.Client({ connectionString: pooled })
    await other.connect()
    try {
      await other.query('begin')
      return await work()
    } finally {
      await other.query('rollback')
      await other.end()
    }
  }

  /** Operations of each kind while connections are handed about. What was told of each that was not done. */
  async function refusals(store: Store<unknown>, guarantees = kinds): Promise<string[]> {
    const refused: string[] = []
    const reprise = createReprise({ store, principal: () => 'p', replayCacheBytes: 0 })
    const name = tableName()
    const run = async (guarantee: (typeof kinds)[number], key: string): Promise<void> => {
      try {
        await reprise.run({ name: 'order', guarantee }, { principal: 'p', key }, async () => {
          await seen.pool.query('insert into effects values ($1)', [key])
        })
      } catch (error) {
        refused.push((error as Error).message)
      }
    }
    for (let round = 0; round < 5; round++) {
      for (const guarantee of guarantees) {
        const key = `${name}${guarantee}${round}`
        await run(guarantee, `${key}a`)
        await elsewhere(() => run(guarantee, `${key}b`))
      }
    }
    const twice = await seen.pool.query('select key from effects group by key having count(*) > 1')
    expect(twice.rows).toEqual([])
    return refused
  }

  test.each(Object.entries(libraries))('%s: without prepared statements nobody is refused', async (_, open) => {
    const { store, end } = open(false)
    expect(store.capabilities.wakesWaiters).toBe(false)
    await store.migrate()
    expect(await refusals(store)).toEqual([])
    await store.close()
    await end()
  })

  test.each(Object.entries(libraries))(
    '%s: with prepared statements whoever is refused is told what to switch off, and nothing happens twice',
    async (library, open) => {
      const { store, end } = open(true)
      await store.migrate()
      // postgres.js itself does not recover where it has sent several such statements at once.
      const refused = await refusals(store, library === 'pg' ? kinds : ['transactional'])
      expect(refused.length).toBeGreaterThan(0)
      expect(refused.filter((message) => !message.includes('pass prepare: false'))).toEqual([])
      await store.close()
      await end()
    },
  )
})
