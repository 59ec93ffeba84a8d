// The store on PostgreSQL under the whole suite, over each library that it can be used with. A crash cuts the connections of
// the first store off, and opens another on the same table.
import { type Effects, type OpenStore, storeConformance } from '@reprise/testkit'
import { sql as drizzleSql } from 'drizzle-orm'
import { drizzle as openDrizzle } from 'drizzle-orm/node-postgres'
import openKnex from 'knex'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import openPostgresJs from 'postgres'
import type { Store } from 'reprise'
import { drizzle, knex, kysely, type PostgresSettings, postgres } from 'reprise/postgres'
import { afterAll, beforeAll, test } from 'vitest'
import { CuttablePool, tableName } from '../postgres/given.ts'
import { describeWith, sharedPostgres } from '../services/services.ts'

const describePostgres = await describeWith('postgres')

/** A library, over a pool of its own: how the store is opened over it, and how a handler uses its transactions. */
interface Library {
  open(settings: PostgresSettings): Store<never>
  /** Runs text with parameters inside a transaction. */
  run(tx: never, text: string, values: readonly string[]): Promise<readonly { readonly value: string }[]>
  cut(): Promise<void>
  close(): Promise<void>
}

type Rows = readonly { readonly value: string }[]

/** Sees what is committed, and nothing else. */
let outside: pg.Pool

const libraries: Readonly<Record<string, (url: string) => Library>> = {
  pg: (url) => {
    const pool = new CuttablePool(url)
    return {
      open: (settings) => postgres({ ...settings, pool }) as Store<never>,
      run: async (tx: pg.PoolClient, text, values) => (await tx.query(text, [...values])).rows as unknown as Rows,
      cut: () => pool.cut(),
      close: () => pool.end(),
    }
  },
  'postgres.js': (url) => {
    // Without its question for the types of arrays, which goes unanswered, and unhandled, when it is cut off.
    const sql = openPostgresJs(url, { max: 30, fetch_types: false, onnotice: () => undefined })
    return {
      open: (settings) => postgres({ ...settings, sql }) as Store<never>,
      run: async (tx: openPostgresJs.ReservedSql, text, values) =>
        (await tx.unsafe(text, [...values])) as unknown as Rows,
      cut: () => sql.end({ timeout: 0 }),
      close: () => sql.end({ timeout: 1 }),
    }
  },
  kysely: (url) => {
    const pool = new CuttablePool(url)
    // biome-ignore lint/suspicious/noExplicitAny: its tables are not of interest here
    const db = new Kysely<any>({ dialect: new PostgresDialect({ pool }) })
    return {
      open: (settings) => postgres({ ...settings, client: kysely(db) }) as Store<never>,
      run: async (tx: typeof db, text, values) => {
        const query = { kind: 'RawNode' as const, sqlFragments: [text], parameters: [] }
        const compiled = { query, sql: text, parameters: [...values], queryId: { queryId: 'test' } }
        return (await tx.executeQuery(compiled as never)).rows as Rows
      },
      cut: () => pool.cut(),
      close: () => pool.end(),
    }
  },
  drizzle: (url) => {
    const pool = new CuttablePool(url)
    const db = openDrizzle(pool)
    return {
      open: (settings) => postgres({ ...settings, client: drizzle(db) }) as Store<never>,
      run: async (tx: typeof db, text, values) => {
        const parts = text.split(/\$\d+/).flatMap((part, n) => {
          const value = values[n]
          return value === undefined ? [drizzleSql.raw(part)] : [drizzleSql.raw(part), drizzleSql`${value}`]
        })
        return (await tx.execute(drizzleSql.join(parts))).rows as unknown as Rows
      },
      cut: () => pool.cut(),
      close: () => pool.end(),
    }
  },
  knex: (url) => {
    const name = tableName()
    const connection = { connectionString: url, application_name: name }
    const db = openKnex({ client: 'pg', connection, pool: { min: 0, max: 30 } })
    return {
      open: (settings) => postgres({ ...settings, client: knex<openKnex.Knex.Transaction>(db) }) as Store<never>,
      run: async (tx: openKnex.Knex.Transaction, text, values) =>
        (await tx.raw(text.replaceAll(/\$\d+/g, '?'), [...values])).rows,
      cut: async () => {
        // Its pool would wait for the connections that are in use.
        const terminate = 'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1'
        await outside.query(terminate, [name])
      },
      close: () => db.destroy(),
    }
  },
}

describePostgres('postgres', () => {
  let url = ''
  beforeAll(async () => {
    url = (await sharedPostgres()).url
    outside = new pg.Pool({ connectionString: url, max: 10 })
  })
  afterAll(() => outside?.end())

  const openOver =
    (library: (url: string) => Library): OpenStore<never> =>
    async ({ clock }) => {
      const table = tableName()
      const used: Library[] = []
      let opened: Store<never> | undefined
      await outside.query(`create table ${table}_effects (key text primary key, value text)`)
      const openNext = async (): Promise<Store<never>> => {
        await used.at(-1)?.cut()
        // The server rolls back what a lost connection left, when it notices.
        const next = library(url)
        used.push(next)
        // So that what the suite has handlers read and write of each other is a conflict, and no update is lost.
        const store = next.open({ table, clock, isolation: 'repeatable read' })
        opened = store
        await store.migrate()
        return store
      }
      const put = `insert into ${table}_effects values ($1, $2) on conflict (key) do update set value = excluded.value`
      const get = `select value from ${table}_effects where key = $1`
      const effects: Effects<never> = {
        get: async (tx, key) => (await (used.at(-1) as Library).run(tx, get, [key]))[0]?.value,
        set: async (tx, key, value) => {
          await (used.at(-1) as Library).run(tx, put, [key, value])
        },
        committed: async (key) => (await outside.query(get, [key])).rows[0]?.value,
      }
      const store = await openNext()
      return {
        store,
        effects,
        reopen: openNext,
        dispose: async () => {
          await opened?.close()
          await used.at(-1)?.close()
          await outside.query(`drop table ${table}, ${table}_effects`)
        },
      }
    }

  for (const [name, library] of Object.entries(libraries)) {
    describePostgres(`over ${name}`, () => {
      storeConformance<never>(test, openOver(library))
    })
  }
})
