/**
 * The ledger in PostgreSQL, for more than one process. This is the only file that knows PostgreSQL.
 *
 * Writes happen on the connection of an attempt, so that an effect and its outcome commit together. Reads have connections
 * of their own: they never wait for a writer, not even when all writers wait for one account.
 */
import {
  Kysely,
  PostgresAdapter,
  PostgresDriver,
  PostgresIntrospector,
  type PostgresPoolClient,
  PostgresQueryCompiler,
  sql,
} from 'kysely'
import pg from 'pg'
import { type PgTx, postgres } from 'reprise/postgres'
import { DatabaseAbsent } from './absence.ts'
import type { Database, OnLoss } from './database.ts'
import { migrate, type Spelling } from './migrations.ts'
import { namedQueries } from './named-queries.ts'
import type { Tables } from './tables.ts'

/** Connections of one process. A transaction holds one for about a millisecond, and one more listens. */
const WRITERS_MAX = 10
const READERS_MAX = 4

/** How long to wait for a connection, and for an answer on it. A server that takes longer is as good as gone. */
const CONNECT_TIMEOUT_MS = 5000
const ANSWER_TIMEOUT_MS = 15_000

const spelling: Spelling = {
  counterType: 'bigint',
  counter: (column) => column.primaryKey().generatedAlwaysAsIdentity(),
}

/** Connects at the first question, so that a server which is not there yet is no reason not to open. */
export async function openPostgres(url: string, onLoss: OnLoss): Promise<Database<PgTx>> {
  const writers = poolOf(url, { max: WRITERS_MAX }, onLoss)
  const readers = poolOf(url, { max: READERS_MAX, verify: refuseWrites }, onLoss)
  const store = postgres({ pool: writers })
  const reads = kyselyOver(() => takeFrom(readers))

  return {
    kind: 'postgres',
    store,
    reads,
    within: (tx) => kyselyOver(async () => namedQueries(tx, () => undefined)),
    migrate: async (begin) => {
      await store.migrate()
      await kyselyOver(() => takeFrom(writers))
        .transaction()
        .execute(async (transaction) => {
          // Two services that start at once: the second waits here, and finds nothing left to do.
          await sql`select pg_advisory_xact_lock(hashtextextended('ledger schema', 0))`.execute(transaction)
          await migrate(transaction, spelling)
          await begin(transaction)
        })
    },
    ping: async () => {
      await reads.selectFrom('accounts').select('seq').limit(1).execute()
    },
    close: async () => {
      await store.close()
      await Promise.all([writers.end(), readers.end()])
    },
  }
}

function poolOf(url: string, config: pg.PoolConfig, onLoss: OnLoss): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    types: { getTypeParser },
    application_name: 'ledger',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    ...config,
  })
  // Without a listener, the loss of a connection that nobody uses would end the process.
  pool.on('error', onLoss)
  return pool
}

/** For each new connection, before it is used. */
function refuseWrites(connection: pg.PoolClient, done: (error?: Error) => void): void {
  connection.query('set default_transaction_read_only = on', (error: Error | null) => done(error ?? undefined))
}

/** Amounts and balances are `bigint`, which `pg` would hand out as text; all of them are integers that JavaScript holds. */
const getTypeParser: typeof pg.types.getTypeParser = (oid: number, format?: 'text' | 'binary') =>
  oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format as 'text')

/** The loss of a connection in use fails what is asked on it. Without a listener it would also end the process. */
function toldByQueries(): void {}

async function takeFrom(pool: pg.Pool): Promise<PostgresPoolClient> {
  try {
    const connection = await pool.connect()
    connection.on('error', toldByQueries)
    return namedQueries(connection, (broken) => {
      connection.removeListener('error', toldByQueries)
      connection.release(broken)
    })
  } catch (error) {
    throw new DatabaseAbsent(error)
  }
}

function kyselyOver(connect: () => Promise<PostgresPoolClient>): Kysely<Tables> {
  const pool = { connect, end: async () => undefined }
  return new Kysely<Tables>({ dialect: { ...shared, createDriver: () => new PostgresDriver({ pool }) } })
}

// What does not depend on the transaction is made once rather than per attempt.
const adapter = new PostgresAdapter()
const compiler = new PostgresQueryCompiler()
const shared = {
  createAdapter: () => adapter,
  createQueryCompiler: () => compiler,
  createIntrospector: (db: Kysely<unknown>) => new PostgresIntrospector(db),
}
