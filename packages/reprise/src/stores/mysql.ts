/** The door `reprise/mysql`: records in MariaDB or MySQL, beside the tables of the application and in its transactions. */

import { type Clock, systemClock } from '../engine/clock.ts'
import type { Duration } from '../engine/duration.ts'
import { choiceOption, durationOption, invalid, refuseUnknown } from '../engine/options.ts'
import type { Store } from '../engine/store.ts'
import { Watchers } from '../engine/watchers.ts'
import { type AnyMysqlPool, type MysqlConnection, promisePool } from './mysql/client.ts'
import { unavailable } from './mysql/faults.ts'
import { lockName } from './mysql/locks.ts'
import type { Isolation } from './mysql/opening.ts'
import { MysqlRows } from './mysql/rows.ts'
import { migrate, migrationsOf, requireSchema } from './mysql/schema.ts'
import { fitServer, type LossySetting, lossySettings, type Server } from './mysql/server.ts'
import { type Session, Sessions } from './mysql/session.ts'
import { type Place, placeOf, Table } from './mysql/table.ts'
import { Transactions } from './mysql/transactions.ts'
import type { MysqlTx } from './mysql/tx.ts'
import { watchFor } from './mysql/watch.ts'
import { rowStore } from './rows/row-store.ts'
import { Steps } from './rows/steps.ts'
import { givenTime, serverTime } from './rows/store-time.ts'

export type { AnyMysqlPool, MysqlConnection, MysqlPool, MysqlQuery } from './mysql/client.ts'
export type { MysqlTx } from './mysql/tx.ts'

export interface MysqlOptions<C extends MysqlConnection = MysqlConnection> {
  /** A pool of mysql2. Attempts that are `transactional` hold one of its connections each, for as long as they run. */
  readonly pool: AnyMysqlPool<C>
  /** `reprise_records` unless told; `schema.table` for a table of another database of the same server. */
  readonly table?: string
  /**
   * How long a step waits for a connection of the pool: 5 s unless told. Then it is answered 503, and has done nothing. A
   * server that has the statement is given that long and `lockTimeout` for its answer.
   */
  readonly busyTimeout?: Duration
  /**
   * How long a statement of the store waits for a lock of another transaction, in whole seconds: 2 s unless told. On MySQL
   * the server's own `innodb_lock_wait_timeout` holds instead.
   */
  readonly lockTimeout?: Duration
  /** Isolation of the transactions that handlers run in: `read-committed` unless told. */
  readonly isolation?: 'read-committed' | 'repeatable-read' | 'serializable'
  /** Settings of the server that lose acknowledged outcomes in a crash, and are to be let pass all the same. */
  readonly acceptLoss?: readonly ('innodb_flush_log_at_trx_commit' | 'sync_binlog')[]
  /** For tests: deadlines are judged by this clock instead of the server's. */
  readonly clock?: Clock
}

const defaultTable = 'reprise_records'

/**
 * The statements that `migrate()` runs, in order, for those who run migrations by other means. Each may be run again.
 *
 * Throws `option-invalid` where `table` is no plain name.
 *
 * @example
 * for (const statement of mysqlMigrations()) console.log(`${statement};`)
 */
export function mysqlMigrations(options: { readonly table?: string } = {}): readonly string[] {
  refuseUnknown('mysqlMigrations', options, ['table'])
  return migrationsOf(tableOption('mysqlMigrations', options.table))
}

/**
 * A store in MariaDB 10.5 or MySQL 8, or later, durable as `innodb_flush_log_at_trx_commit = 1` and `sync_binlog = 1` make
 * it: a server that is set otherwise is refused at the first use (`server-unfit`), unless the loss is accepted by name.
 *
 * `attempt.tx` is a connection of the pool, inside the transaction in which the outcome is recorded too. The store opens no
 * connection of its own, and `close()` leaves the pool open. Tables come with `migrate()`.
 *
 * Throws `option-unknown` and `option-invalid`.
 *
 * @example
 * const pool = createPool({ uri: 'mysql://app:secret@db.internal/shop', connectionLimit: 20 }) // of mysql2/promise
 * const store = mysql({ pool })
 * await store.migrate()
 */
export function mysql<C extends MysqlConnection>(options: MysqlOptions<C>): Store<MysqlTx<C>> {
  refuseUnknown('mysql', options, known)
  const pool = promisePool(options.pool)
  const place = tableOption('mysql', options.table)
  const busyMs = durationOption('mysql', 'busyTimeout', options.busyTimeout, { fallback: 5000, maxMs: 600_000 })
  const lockMs = durationOption('mysql', 'lockTimeout', options.lockTimeout, {
    fallback: 2000,
    minMs: 1000,
    maxMs: 600_000,
  })
  const isolations: readonly Isolation[] = ['read-committed', 'repeatable-read', 'serializable']
  const isolation = choiceOption('mysql', 'isolation', options.isolation, isolations, 'read-committed')
  const accepted = acceptLossOption(options.acceptLoss)
  const { clock } = options

  const time = clock === undefined ? serverTime(systemClock) : givenTime(clock)
  const sessions = new Sessions(pool, busyMs, busyMs + lockMs, systemClock)
  const watchers = new Watchers()
  let met: Server | undefined
  const server = (): Server => met as Server
  const where = (): string => `${place.schema ?? server().database}.${place.table}`
  const patience = (sql: string): string => {
    const boundS = Math.ceil(lockMs / 1000)
    return server().kind === 'mariadb' ? `set statement innodb_lock_wait_timeout = ${boundS} for ${sql}` : sql
  }

  async function meet(session: Session): Promise<void> {
    met = await fitServer(session, accepted)
    if (place.schema === undefined && met.database === undefined) {
      throw invalid('mysql', 'table', place.table, 'schema.table, because the pool names no database')
    }
    sessions.dialect = { compound: met.kind === 'mariadb', maxPacketBytes: met.maxPacketBytes }
    time.heard(met.nowMs)
  }

  const table = new Table(place, patience)
  const rows = new MysqlRows(sessions, table, time, systemClock)
  const steps = new Steps(rows, time, systemClock, limits, (id) => watchers.wake(id))
  const transactions = new Transactions<C>({
    sessions,
    table,
    steps,
    time,
    clock: clock ?? systemClock,
    machineClock: systemClock,
    watchers,
    isolation,
    server,
    where,
  })
  const store = rowStore({
    name: 'mysql',
    capabilities: {
      transactional: true,
      durable: accepted.length === 0,
      survivesFailover: false,
      wakesWaiters: false,
    },
    rows,
    steps,
    time,
    migrate: () =>
      asking(sessions, async (session) => {
        await meet(session)
        await migrate(session, place, lockName('migrate', where()))
      }),
    prepare: () =>
      asking(sessions, async (session) => {
        await meet(session)
        await requireSchema(session, place)
      }),
    watch: (id, signal) => watchFor(watchers, systemClock, id, signal),
    close: async () => {
      await transactions.idle()
      await sessions.idle()
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

const known = ['pool', 'table', 'busyTimeout', 'lockTimeout', 'isolation', 'acceptLoss', 'clock']

/** Few and large: what arrives while they are under way travels with the next. */
const limits = { batch: 64, lanes: 4 }

async function asking(sessions: Sessions, work: (session: Session) => Promise<void>): Promise<void> {
  try {
    await sessions.with(work)
  } catch (error) {
    throw unavailable(error)
  }
}

function tableOption(where: string, value: unknown): Place {
  const place = placeOf(value ?? defaultTable)
  if (place === undefined) {
    throw invalid(where, 'table', value, 'a name, or schema.name, of letters, digits and underscores')
  }
  return place
}

function acceptLossOption(value: unknown): readonly LossySetting[] {
  if (value === undefined) return []
  if (!Array.isArray(value) || !value.every((name) => lossySettings.includes(name as LossySetting))) {
    throw invalid('mysql', 'acceptLoss', value, `a list of ${lossySettings.map((name) => `'${name}'`).join(' and ')}`)
  }
  return value as readonly LossySetting[]
}
