// How a store is made over each library, and how a handler writes through it. The lines stand in docs/postgres.md.
import { drizzle as openDrizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import openKnex, { type Knex } from 'knex'
import { Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'
import openPostgresJs from 'postgres'
import type { Store } from 'reprise'
import { drizzle, knex, kysely, postgres } from 'reprise/postgres'

/** A library in use. */
export interface Example<Tx = never> {
  readonly store: Store<Tx>
  /** What a handler does with `attempt.tx`. */
  readonly place: (tx: Tx, sku: string) => Promise<unknown>
  readonly close: () => Promise<unknown>
}

interface Database {
  orders: { sku: string }
}
const orders = pgTable('orders', { id: integer().primaryKey().generatedAlwaysAsIdentity(), sku: text().notNull() })

function example<Tx>(store: Store<Tx>, place: Example<Tx>['place'], close: () => Promise<unknown>): Example {
  return { store, place, close } as unknown as Example
}

function poolOf(url: string): Pool {
  const pool = new Pool({ connectionString: url })
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', (error) => console.error(error)))
  return pool
}

export const examples: Readonly<Record<string, (url: string) => Example>> = {
  pg: (url) => {
    const pool = poolOf(url)
    return example(
      postgres({ pool }),
      (tx, sku) => tx.query('insert into orders (sku) values ($1)', [sku]),
      () => pool.end(),
    )
  },
  'postgres.js': (url) => {
    const sql = openPostgresJs(url, { onnotice: () => undefined })
    return example(
      postgres({ sql }),
      async (tx, sku) => tx`insert into orders ${tx({ sku })}`,
      () => sql.end({ timeout: 1 }),
    )
  },
  Kysely: (url) => {
    const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool: poolOf(url) }) })
    return example(
      postgres({ client: kysely(db) }),
      (tx, sku) => tx.insertInto('orders').values({ sku }).execute(),
      () => db.destroy(),
    )
  },
  Drizzle: (url) => {
    const pool = poolOf(url)
    const db = openDrizzle(pool)
    return example(
      postgres({ client: drizzle(db) }),
      (tx, sku) => tx.insert(orders).values({ sku }),
      () => pool.end(),
    )
  },
  Knex: (url) => {
    const db = openKnex({ client: 'pg', connection: url })
    return example(
      postgres({ client: knex<Knex.Transaction>(db) }),
      async (tx, sku) => tx('orders').insert({ sku }),
      () => db.destroy(),
    )
  },
}
