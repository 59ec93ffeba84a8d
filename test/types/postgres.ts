// Compiled, never run: the PostgreSQL store over each library gives handlers that library's own transaction, and takes no
// client that would not do.

import { drizzle as openDrizzle } from 'drizzle-orm/node-postgres'
import { pgTable, text } from 'drizzle-orm/pg-core'
import { drizzle as openDrizzleJs } from 'drizzle-orm/postgres-js'
import type openKnex from 'knex'
import type { Knex } from 'knex'
import { type ControlledTransaction, Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import openPostgresJs, { type TransactionSql } from 'postgres'
import { createReprise, type Store } from 'reprise'
import { drizzle, knex, kysely, type PgTx, type PostgresClient, postgres, prisma } from 'reprise/postgres'
import { sqlite } from 'reprise/sqlite'

/** Takes a value of exactly one type. */
declare function exactly<T>(): <U>(
  value: U,
  ...same: [T] extends [U] ? ([U] extends [T] ? [] : [never]) : [never]
) => void
const policy = { name: 'order.create', guarantee: 'transactional' } as const
const input = { principal: 'p', key: 'k' }

/** Runs a handler with the transaction that the store hands out. */
function within<Tx>(store: Store<Tx>, handler: (tx: Tx) => Promise<unknown>): unknown {
  return createReprise({ store, principal: () => 'p' }).run(policy, input, ({ tx }) => handler(tx))
}

declare const pool: pg.Pool
declare const sql: openPostgresJs.Sql

export function pgFits(): void {
  const store = postgres({ pool })
  exactly<Store<PgTx>>()(store)
  void within(store, async (tx) => {
    exactly<PgTx>()(tx)
    const { rows, rowCount } = await tx.query<{ id: number }>('insert into orders values ($1) returning id', ['sku-1'])
    exactly<{ id: number }[]>()(rows)
    exactly<number | null>()(rowCount)
    await tx.query({ name: 'put-order', text: 'insert into orders values ($1)', values: ['sku-1'] })
  })
  postgres({ pool: new pg.Pool(), schema: 'app', table: 'records', isolation: 'serializable', busyTimeout: '2s' })
}

export function postgresJsFits(): void {
  const store = postgres({ sql })
  void within(store, async (tx) => {
    exactly<TransactionSql>()(tx)
    const rows = await tx<{ id: number }[]>`insert into orders ${tx({ sku: 'sku-1' })} returning id`
    exactly<number | undefined>()(rows[0]?.id)
    await tx.savepoint((inner) => inner`select 1`)
  })
  const typed = openPostgresJs({ types: { bigint: openPostgresJs.BigInt } })
  void within(postgres({ sql: typed }), (tx) => {
    exactly<TransactionSql<{ bigint: bigint }>>()(tx)
    return tx`select 1`
  })
}

interface Database {
  orders: { sku: string }
}

export function kyselyFits(): void {
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  void within(postgres({ client: kysely(db) }), (tx) => {
    exactly<ControlledTransaction<Database>>()(tx)
    const asTheirs: Transaction<Database> = tx
    return asTheirs.insertInto('orders').values({ sku: 'sku-1' }).execute()
  })
}

export function drizzleFits(): void {
  const orders = pgTable('orders', { sku: text().primaryKey() })
  const db = openDrizzle(pool, { schema: { orders } })
  void within(postgres({ client: drizzle(db) }), async (tx) => {
    exactly<Parameters<Parameters<typeof db.transaction>[0]>[0]>()(tx)
    exactly<{ sku: string } | undefined>()(await tx.query.orders.findFirst())
    await tx.insert(orders).values({ sku: 'sku-1' })
  })
  const onPostgresJs = openDrizzleJs(sql)
  void within(postgres({ client: drizzle(onPostgresJs) }), (tx) => tx.insert(orders).values({ sku: 'sku-1' }))
}

export function knexFits(db: Knex): void {
  void within(postgres({ client: knex<openKnex.Knex.Transaction>(db) }), (tx) => {
    exactly<Knex.Transaction>()(tx)
    return tx<{ sku: string }>('orders').insert({ sku: 'sku-1' })
  })
}

/** What Prisma generates, as far as it matters. */
interface Generated {
  order: { create(what: { data: { sku: string } }): Promise<unknown> }
  $queryRawUnsafe<T = unknown>(query: string, ...values: unknown[]): Promise<T>
  $executeRawUnsafe(query: string, ...values: unknown[]): Promise<number>
}
interface GeneratedClient extends Generated {
  $transaction<R>(
    work: (tx: Generated) => Promise<R>,
    options?: { maxWait?: number; timeout?: number; isolationLevel?: 'Serializable' },
  ): Promise<R>
}

export function prismaFits(client: GeneratedClient): void {
  type Tx = Generated
  exactly<Store<Generated>>()(postgres({ client: prisma<Tx>(client) }))
  void within(postgres({ client: prisma<Generated>(client, { timeoutMs: 10_000 }) }), (tx) => {
    exactly<Generated>()(tx)
    return tx.order.create({ data: { sku: 'sku-1' } })
  })
}

export function wrongIsRefused(client: pg.Client): void {
  // @ts-expect-error a single connection serves one transaction at a time
  postgres({ pool: client })
  // @ts-expect-error a client of another library
  postgres({ pool: sql })
  // @ts-expect-error and the other way round
  postgres({ sql: pool })
  // @ts-expect-error a query builder goes through kysely(), drizzle(), knex() or prisma()
  postgres({ client: pool })
  // @ts-expect-error no client at all
  postgres({ table: 'records' })
  // @ts-expect-error an option that does not exist
  postgres({ pool, tableName: 'records' })
  // @ts-expect-error a level that PostgreSQL does not have
  postgres({ pool, isolation: 'snapshot' })
  // @ts-expect-error the builder of another library
  kysely(pool)
  // @ts-expect-error the builder of another library
  drizzle(sql)
  // @ts-expect-error a transaction of one store is none of another
  const other: Store<PgTx> = sqlite({ file: 'app.db' })
  // @ts-expect-error nor of another library over the same store
  const another: PostgresClient<PgTx> = kysely(new Kysely<Database>({ dialect: new PostgresDialect({ pool }) }))
  void [other, another]
  void within(postgres({ pool }), async (tx) => {
    // @ts-expect-error a handler gives no connection back
    tx.release()
  })
}
