/**
 * Where the ledger is kept: its own tables, and Reprise's records beside them, so that money and answer commit together.
 * Everything that differs between databases is behind this contract; the rest of the ledger can't tell them apart.
 */
import type { Kysely } from 'kysely'
import type { Store } from 'reprise'
import type { DatabasePlace } from '../config.ts'
import type { Tables } from './tables.ts'

export interface Database<Tx = unknown> {
  readonly kind: DatabasePlace['kind']
  /** The records of operations. Closed with the database. */
  readonly store: Store<Tx>
  /** What is committed. Refuses to write. */
  readonly reads: Kysely<Tables>
  /** The transaction of an attempt; never to be destroyed, since the connection is Reprise's. */
  within(tx: Tx): Kysely<Tables>
  /**
   * Brings all tables up to date. Of several processes that do so at once, one does the work and the others wait.
   *
   * @param begin writes what has to be there before the first request, in the transaction of the migrations.
   */
  migrate(begin: (db: Kysely<Tables>) => Promise<void>): Promise<void>
  /** Rejects when the database does not answer. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** Told of connections that were lost while nobody used them: nothing has failed yet. */
export type OnLoss = (error: Error) => void

/** Loads the driver of this database, and no other. */
export async function openDatabase(place: DatabasePlace, onLoss: OnLoss): Promise<Database> {
  switch (place.kind) {
    case 'sqlite': {
      const { openSqlite } = await import('./sqlite.ts')
      return openSqlite(place.file)
    }
    case 'postgres': {
      const { openPostgres } = await import('./postgres.ts')
      return openPostgres(place.url, onLoss)
    }
  }
}
