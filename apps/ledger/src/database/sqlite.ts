/**
 * The ledger in one SQLite file. This is the only file that knows SQLite.
 *
 * Writes happen in Reprise's own connection, so that an effect and its outcome commit together. Reads have a connection
 * of their own: in WAL mode they see what is committed, and never wait for a writer.
 */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Kysely, SqliteAdapter, SqliteDialect, SqliteDriver, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import Libsql from 'libsql'
import { type SqliteTx, sqlite } from 'reprise/sqlite'
import type { Database } from './database.ts'
import { migrate, type Spelling } from './migrations.ts'
import type { Tables } from './tables.ts'

/** How long a start waits for another process that is migrating the same file. */
const BUSY_TIMEOUT_MS = 10_000

const spelling: Spelling = {
  counterType: 'integer',
  counter: (column) => column.primaryKey().autoIncrement(),
}

/** Opens the file, or creates it and its folder. */
export async function openSqlite(file: string): Promise<Database<SqliteTx>> {
  await mkdir(dirname(file), { recursive: true })
  const store = sqlite({ file, driver: Libsql })
  const connection = new Libsql(file)
  const reads = new Kysely<Tables>({ dialect: new SqliteDialect({ database: connection }) })
  const close = async (): Promise<void> => {
    await store.close()
    // Not by Kysely, which closes only what it has used.
    connection.close()
  }
  try {
    connection.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`)
    connection.exec('pragma query_only = 1')
  } catch (error) {
    await close()
    throw error
  }

  return {
    kind: 'sqlite',
    store,
    reads,
    within: (tx) =>
      new Kysely<Tables>({ dialect: { ...shared, createDriver: () => new SqliteDriver({ database: tx }) } }),
    migrate: async (begin) => {
      await store.migrate()
      connection.exec('pragma query_only = 0')
      // Not Kysely's transaction, which begins deferred: two processes could then both read, and one of them fail to write.
      connection.exec('begin immediate')
      try {
        await migrate(reads, spelling)
        await begin(reads)
        connection.exec('commit')
      } catch (error) {
        connection.exec('rollback')
        throw error
      } finally {
        connection.exec('pragma query_only = 1')
      }
    },
    ping: async () => {
      await reads.selectFrom('accounts').select('seq').limit(1).execute()
    },
    close,
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
