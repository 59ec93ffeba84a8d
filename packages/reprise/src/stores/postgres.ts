/** The door `reprise/postgres`: records in PostgreSQL, beside the tables of the application and in its transactions. */

import { type Clock, systemClock } from '../engine/clock.ts'
import type { Duration } from '../engine/duration.ts'
import { RepriseError } from '../engine/errors.ts'
import { choiceOption, durationOption, integerOption, invalid, refuseUnknown } from '../engine/options.ts'
import type { Store } from '../engine/store.ts'
import type { Isolation, PostgresClient } from './postgres/client.ts'
import { sqlState, unavailable } from './postgres/faults.ts'
import { within } from './postgres/patience.ts'
import { type PgPool, type PgTx, pgClient } from './postgres/pg.ts'
import { type PostgresJs, type PostgresJsTransaction, postgresJsClient } from './postgres/postgres-js.ts'
import { rowsOf } from './postgres/rows.ts'
import {
  channelOf,
  isIdentifier,
  migrationTexts,
  notAllowedToMigrate,
  type Place,
  requireVersion,
  statementsOf,
} from './postgres/schema.ts'
import { requireFit } from './postgres/server-check.ts'
import { Transactions } from './postgres/transactions.ts'
import { Wake } from './postgres/wake.ts'
import { rowStore } from './rows/row-store.ts'
import type { Written } from './rows/rows.ts'
import { Steps } from './rows/steps.ts'
import { givenTime, serverTime } from './rows/store-time.ts'

export type { Isolation, PostgresClient } from './postgres/client.ts'
export { type DrizzleDatabase, type DrizzleTransaction, drizzle } from './postgres/drizzle.ts'
export { type KnexDatabase, knex } from './postgres/knex.ts'
export { type KyselyDatabase, type KyselyTransaction, kysely } from './postgres/kysely.ts'
export type { PgConnection, PgPool, PgTx } from './postgres/pg.ts'
export type { PostgresJs, PostgresJsTransaction } from './postgres/postgres-js.ts'
export { type PrismaDatabase, type PrismaSettings, prisma } from './postgres/prisma.ts'

/** Where the records live. */
export interface PostgresPlace {
  /** The schema of the table; the first of the connection's search path unless told. Created where there is none. */
  readonly schema?: string
  /** `reprise_records` unless told. */
  readonly table?: string
}

export interface PostgresSettings extends PostgresPlace {
  /** The isolation of the transactions that handlers run in; what the database is set to unless told. */
  readonly isolation?: Isolation
  /**
   * How long an attempt waits for a connection, and the store for an answer to what it asks: 5 s unless told. Then the answer
   * is 503. Only the COMMIT of a handler's transaction is waited for longer, for as long as the policy's lease.
   */
  readonly busyTimeout?: Duration
  /**
   * False behind a pooler that hands each transaction another connection, such as PgBouncer in transaction mode: then
   * statements are not prepared, and who waits for another process looks every 50 ms instead of being woken.
   */
  readonly prepare?: boolean
  /** How many claims and settlements that arrive together share one commit: 100 unless told, 1 for none. */
  readonly batch?: number
  /** True where a crash of the server may take back what was acknowledged: `synchronous_commit` or `fsync` are off. */
  readonly acceptLoss?: boolean
  /** Judges deadlines by this clock rather than by the server's: for tests. */
  readonly clock?: Clock
}

/** How many batches are under way at once: while one waits for the disk, the next is gathered. */
const lanes = 2

/** The statements that `migrate()` runs, in order, for those who run migrations by other means. */
export function postgresMigrations(place: PostgresPlace = {}): readonly string[] {
  return migrationTexts(placeOf('postgresMigrations', place))
}

/**
 * A store in PostgreSQL 12 or later, durable as its server is. Over a pool of `pg`, over postgres.js, or over the query builder
 * that the application already uses: `attempt.tx` is then a transaction of that library.
 *
 * It opens no connection of its own, and closes none. The table comes with `migrate()`. Throws `option-invalid` for a client
 * that lacks what is needed. `migrate()` and the first step throw `server-unfit` where the server would lose what it has
 * acknowledged, and `schema-missing` or `schema-newer` where the table is not the one that this build works on.
 *
 * @example
 * const store = postgres({ pool: new Pool({ connectionString: process.env.DATABASE_URL }) })
 * await store.migrate()
 */
export function postgres(options: PostgresSettings & { readonly pool: PgPool }): Store<PgTx>
export function postgres<Sql extends PostgresJs>(
  options: PostgresSettings & { readonly sql: Sql },
): Store<PostgresJsTransaction<Sql>>
export function postgres<Tx>(options: PostgresSettings & { readonly client: PostgresClient<Tx> }): Store<Tx>
export function postgres(
  options: PostgresSettings & {
    readonly pool?: PgPool
    readonly sql?: PostgresJs
    readonly client?: PostgresClient<unknown>
  },
): Store<unknown> {
  refuseUnknown('postgres', options, [
    'pool',
    'sql',
    'client',
    'schema',
    'table',
    'isolation',
    'busyTimeout',
    'prepare',
    'batch',
    'acceptLoss',
    'clock',
  ])
  const prepare = flag('prepare', options.prepare, true)
  return storeOver(clientOf(options, prepare), options)
}

function storeOver<Tx>(client: PostgresClient<Tx>, options: PostgresSettings): Store<Tx> {
  const place = placeOf('postgres', options)
  const batch = integerOption('postgres', 'batch', options.batch, { fallback: 100, min: 1, max: 1000 })
  const busyMs = durationOption('postgres', 'busyTimeout', options.busyTimeout, { fallback: 5000, maxMs: 600_000 })
  const acceptLoss = flag('acceptLoss', options.acceptLoss, false)
  const isolation =
    options.isolation === undefined
      ? undefined
      : choiceOption('postgres', 'isolation', options.isolation, ['read committed', 'repeatable read', 'serializable'])
  const clock = options.clock ?? systemClock
  const time = options.clock === undefined ? serverTime(clock) : givenTime(clock)
  const statements = statementsOf(place)
  const rows = rowsOf(client, statements, time, busyMs)
  let channel = channelOf(place)
  const wake = new Wake({ client, statements, channel: () => channel, clock, busyMs })
  // Nobody is woken by a step that has changed nothing: who waits takes such steps, and would wake itself.
  const concluded = (id: string, to: Written | null | undefined): void => {
    if (to !== undefined) wake.concluded(id, to)
  }
  const steps = new Steps(rows, time, clock, { batch, lanes }, concluded)
  const transactions = new Transactions({
    client,
    statements,
    steps,
    time,
    clock,
    isolation,
    busyMs,
    concluded: (id, to) => wake.concluded(id, to),
  })
  const store = rowStore({
    name: 'postgres',
    capabilities: {
      transactional: true,
      durable: !acceptLoss,
      survivesFailover: false,
      wakesWaiters: client.listen !== undefined,
    },
    rows,
    steps,
    time,
    migrate: async () => {
      try {
        for (const text of migrationTexts(place)) await client.run(text)
      } catch (error) {
        throw sqlState(error) === '42501' ? notAllowedToMigrate(place, error) : unavailable(error)
      }
    },
    prepare: async () => {
      let state: Readonly<Record<string, unknown>>
      try {
        const [row] = await within(busyMs, (patience) => client.query(statements.state, [], patience))
        state = row ?? {}
      } catch (error) {
        throw unavailable(error)
      }
      requireFit(state, acceptLoss)
      requireVersion(place, Number(state.version))
      time.heard(Number(state.now))
      // From here on one table is meant, whatever a handler or a pooler does to the search path.
      const home = { ...place, schema: String(state.home) }
      Object.assign(statements, statementsOf(home))
      channel = channelOf(home)
    },
    watch: (id, signal) => wake.watch(id, signal),
    close: async () => {
      await transactions.idle()
      await wake.close()
    },
  })
  return {
    ...store,
    begin: async (operation, terms, lost) => {
      await store.ready()
      return transactions.begin(operation, terms, lost)
    },
  }
}

function clientOf(
  options: { readonly pool?: PgPool; readonly sql?: PostgresJs; readonly client?: PostgresClient<unknown> },
  prepare: boolean,
): PostgresClient<unknown> {
  const { pool, sql, client } = options
  if ([pool, sql, client].filter((given) => given !== undefined).length !== 1) {
    throw new RepriseError('option-invalid', 'postgres: pass one of "pool", "sql" and "client".')
  }
  if (pool !== undefined) {
    if (typeof pool?.connect !== 'function' || !('totalCount' in pool)) {
      throw invalid('postgres', 'pool', pool, 'a Pool of pg: a single Client serves one transaction at a time')
    }
    return pgClient(pool, { prepare })
  }
  if (sql !== undefined) {
    const given: Partial<PostgresJs> = sql
    if (typeof given.unsafe !== 'function' || typeof given.begin !== 'function' || given.options === undefined) {
      throw invalid('postgres', 'sql', sql, 'what postgres() of postgres.js returns, from version 3.4')
    }
    return postgresJsClient(sql, { prepare })
  }
  if (typeof client?.begin !== 'function' || typeof client.query !== 'function') {
    throw invalid('postgres', 'client', client, 'kysely(db), drizzle(db), knex(db) or prisma(db)')
  }
  return client
}

function placeOf(where: string, { schema, table = 'reprise_records' }: PostgresPlace): Place {
  const wanted = 'letters, digits and _, at most 41 of them'
  if (schema !== undefined && !isIdentifier(schema)) throw invalid(where, 'schema', schema, wanted)
  if (!isIdentifier(table)) throw invalid(where, 'table', table, wanted)
  return { schema, table }
}

function flag(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback
  if (typeof value !== 'boolean') throw invalid('postgres', name, value, 'true or false')
  return value
}
