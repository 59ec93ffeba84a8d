/**
 * The ledger's tables in the SQLite file that also holds Reprise's records. This is the only file that knows SQLite.
 *
 * Writes happen in Reprise's own connection, so that an effect and its outcome commit together. Reads have a connection
 * of their own: in WAL mode they see what is committed, and never wait for a writer.
 */
import { Kysely, SqliteAdapter, SqliteDialect, SqliteDriver, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import Libsql from 'libsql'
import type { SqliteTx } from 'reprise/sqlite'
import { migrate, type Spelling } from './migrations.ts'
import type { Tables } from './tables.ts'

export interface LedgerDatabase {
  /** What is committed. Refuses to write. */
  readonly reads: Kysely<Tables>
  /** The transaction of an attempt; never to be destroyed, since the connection is Reprise's. */
  within(tx: SqliteTx): Kysely<Tables>
  /** Rejects when the file does not answer. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** How long a start waits for another process that is migrating the same file. */
const BUSY_TIMEOUT_MS = 10_000

const spelling: Spelling = {
  counterType: 'integer',
  counter: (column) => column.primaryKey().autoIncrement(),
}

/**
 * Opens a file that Reprise has already prepared, and brings the ledger's tables up to date.
 *
 * @param begin writes what has to be there before the first request, in the transaction of the migrations.
 */
export async function openLedgerDatabase(
  file: string,
  begin: (db: Kysely<Tables>) => Promise<void>,
): Promise<LedgerDatabase> {
  const connection = new Libsql(file)
  const reads = new Kysely<Tables>({ dialect: new SqliteDialect({ database: connection }) })
  try {
    connection.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`)
    // Not Kysely's transaction, which begins deferred: two processes could then both read, and one of them fail to write.
    connection.exec('begin immediate')
    try {
      await migrate(reads, spelling)
      await begin(reads)
      connection.exec('commit')
    } catch (error) {
      connection.exec('rollback')
      throw error
    }
    connection.exec('pragma query_only = 1')
  } catch (error) {
    connection.close()
    throw error
  }

  return {
    reads,
    within: (tx) =>
      new Kysely<Tables>({ dialect: { ...shared, createDriver: () => new SqliteDriver({ database: tx }) } }),
    ping: async () => {
      await reads.selectFrom('accounts').select('seq').limit(1).execute()
    },
    close: () => reads.destroy(),
  }
}

// What does not depend on the transaction is made once rather than per attempt.
const adapter = new SqliteAdapter()
const compiler = new SqliteQueryCompiler()
const shared = {
  createAdapter: () => adapter,
  createQueryCompiler: () => compiler,
  createIntrospector: (db: Kysely<unknown>) => new SqliteIntrospector(db),
}
