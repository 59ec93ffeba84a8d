// What query builders do to a transaction whose COMMIT fails, or whose connection is lost under it: each in its own way, and
// the store tells the truth over all of them.
import { sql as drizzleSql } from 'drizzle-orm'
import { drizzle as openDrizzle } from 'drizzle-orm/node-postgres'
import { drizzle as openDrizzleJs } from 'drizzle-orm/postgres-js'
import openKnex from 'knex'
import { Kysely, sql as kyselySql, PostgresDialect } from 'kysely'
import pg from 'pg'
import openPostgresJs from 'postgres'
import { createReprise } from 'reprise'
import { drizzle, knex, kysely, type PostgresClient, postgres } from 'reprise/postgres'
import { beforeAll, expect, test, vi } from 'vitest'
import { describeWith } from '../services/services.ts'
import { tableName } from './given.ts'
import { told } from './libraries.ts'
import { wiredDatabase } from './wired.ts'

const describePostgres = await describeWith('postgres')

interface Builder {
  readonly client: PostgresClient<never>
  readonly run: (tx: never, text: string) => Promise<unknown>
  /** Throws while a connection is missing. */
  readonly idle: () => void
  readonly close: () => Promise<unknown>
}

/** A pool as docs/postgres.md asks for it: the builders listen to no errors of the connections that they use. */
function poolOf(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 3 })
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}
const idle = ({ totalCount, idleCount }: pg.Pool): void => {
  if (totalCount !== idleCount) throw new Error(`${totalCount - idleCount} connections have not come back`)
}

const builders: Readonly<Record<string, (url: string) => Builder>> = {
  kysely: (url) => {
    const pool = poolOf(url)
    const db = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool }) })
    return {
      client: kysely(db) as PostgresClient<never>,
      run: (tx: typeof db, text) => kyselySql.raw(text).execute(tx),
      idle: () => idle(pool),
      close: () => pool.end(),
    }
  },
  'drizzle on pg': (url) => {
    const pool = poolOf(url)
    const db = openDrizzle(pool)
    return {
      client: drizzle(db) as PostgresClient<never>,
      run: (tx: typeof db, text) => tx.execute(drizzleSql.raw(text)),
      idle: () => idle(pool),
      close: () => pool.end(),
    }
  },
  'drizzle on postgres.js': (url) => {
    const sql = openPostgresJs(url, { max: 3, fetch_types: false, backoff: false, onnotice: () => undefined })
    const db = openDrizzleJs(sql)
    return {
      client: drizzle(db) as unknown as PostgresClient<never>,
      run: (tx: typeof db, text) => tx.execute(drizzleSql.raw(text)),
      idle: () => undefined,
      close: () => sql.end({ timeout: 1 }),
    }
  },
  knex: (url) => {
    const silent = { warn: () => undefined, error: () => undefined, debug: () => undefined, deprecate: () => undefined }
    const db = openKnex({ client: 'pg', connection: url, pool: { min: 0, max: 3 }, log: silent })
    const { pool } = db.client as { pool: { numUsed(): number } }
    return {
      client: knex<openKnex.Knex.Transaction>(db) as PostgresClient<never>,
      run: async (tx: openKnex.Knex.Transaction, text) => tx.raw(text),
      idle: () => {
        if (pool.numUsed() > 0) throw new Error(`${pool.numUsed()} connections have not come back`)
      },
      close: () => db.destroy(),
    }
  },
}

describePostgres('query builders', () => {
  const its = wiredDatabase()
  beforeAll(async () => {
    await its.seen.pool.query(`
      create table parents (id int primary key);
      create table children (parent int references parents deferrable initially deferred);
    `)
  })

  test.each(Object.entries(builders))('%s', async (_, open) => {
    const { client, run, idle, close } = open(its.wire.url)
    const store = postgres({ client, table: tableName(), busyTimeout: 2000 })
    await store.migrate()
    const reprise = createReprise({ store, principal: () => 'p', replayCacheBytes: 0 })
    const order = (key: string, then?: (tx: never) => Promise<unknown>) =>
      told(
        reprise.run({ name: 'order', guarantee: 'transactional' }, { principal: 'p', key }, async ({ tx }) => {
          await run(tx, `insert into effects values ('${key}')`)
          await then?.(tx)
          return 'made'
        }),
      )
    const expectOnce = async (key: string, before: 0 | 1): Promise<void> => {
      expect(await its.seen.effects(key)).toBe(before)
      expect(await order(key)).toBe(before === 1 ? 'replayed made' : 'done made')
      expect(await its.seen.effects(key)).toBe(1)
      expect(await order(key)).toBe('replayed made')
      await vi.waitFor(idle)
      await its.seen.noLocks()
    }

    // More often than there are connections: one that is not given back is missed.
    for (let times = 0; times < 4; times++) {
      const key = tableName()
      expect(await order(key, (tx) => run(tx, 'insert into children values (7)'))).toBe('threw store-unavailable')
      await expectOnce(key, 0)
    }
    for (let times = 0; times < 4; times++) {
      const key = tableName()
      its.wire.trap(/^commit;?$/i, 'cut-before')
      expect(await order(key)).toBe('threw store-unavailable')
      await expectOnce(key, 0)
    }
    for (let times = 0; times < 4; times++) {
      const key = tableName()
      its.wire.trap(/^commit;?$/i, 'cut-after')
      expect(await order(key)).toBe('done made')
      await expectOnce(key, 1)
    }
    for (const fate of ['cut-before', 'cut-after'] as const) {
      const key = tableName()
      its.wire.trap(/into effects/, fate)
      expect(await order(key)).toMatch(/^threw/)
      await expectOnce(key, 0)
    }
    // While the handler does something else.
    const key = tableName()
    const meanwhile = async (tx: never): Promise<void> => {
      its.wire.cut()
      await new Promise((resolve) => setTimeout(resolve, 30))
      await run(tx, 'select 1')
    }
    expect(await order(key, meanwhile)).toMatch(/^threw/)
    await expectOnce(key, 0)

    await store.close()
    await close()
  })
})
