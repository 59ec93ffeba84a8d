/** Knex by its shape: a `knex({ client: 'pg' })` fits, and is no dependency. */

import type { PostgresClient, ResultRow } from './client.ts'
import { controlledTransaction } from './controlled-transaction.ts'
import { inline } from './statement.ts'

interface Raw {
  // biome-ignore lint/suspicious/noExplicitAny: what it returns is the driver's own affair
  raw(text: string): any
}

interface Transaction extends Raw {
  /** Rejects where the transaction did not end as it was told to. */
  readonly executionPromise: Promise<unknown>
  // biome-ignore lint/suspicious/noExplicitAny: what it returns is the driver's own affair
  commit(): any
  // biome-ignore lint/suspicious/noExplicitAny: what it returns is the driver's own affair
  rollback(): any
}

/** The subset of `Knex` that the store needs. */
export interface KnexDatabase extends Raw {
  // biome-ignore lint/suspicious/noExplicitAny: its overloads are its own affair
  transaction(config?: any): Promise<any>
}

/**
 * The store over a `knex` on PostgreSQL: `attempt.tx` is a transaction of Knex, and what is written with it commits together
 * with the outcome. `Trx` is `Knex.Transaction`.
 *
 * @example
 * const store = postgres({ client: knex<Knex.Transaction>(db) })
 * // in a handler: await attempt.tx('orders').insert({ sku: 'sku-1' })
 */
export function knex<Trx extends object>(db: KnexDatabase): PostgresClient<Trx> {
  return {
    library: 'knex',
    survivesLoss: false,
    listen: undefined,
    query: (statement, values) => execute(db, inline(statement, values)),
    run: async (text) => {
      await execute(db, text)
    },
    begin: async (isolation, first, values) => {
      const trx = (await db.transaction(isolation === undefined ? {} : { isolationLevel: isolation })) as Transaction &
        Trx
      const rollback = async (): Promise<void> => {
        await trx.rollback()
      }
      const commit = async (): Promise<void> => {
        await trx.commit()
        // It resolves where COMMIT has failed, too: only this tells.
        await trx.executionPromise
      }
      return controlledTransaction<Trx>({ tx: trx, run: (text) => execute(trx, text), commit, rollback }, first, values)
    },
  }
}

async function execute(on: Raw, text: string): Promise<readonly ResultRow[]> {
  const { rows } = (await on.raw(text)) as { readonly rows: readonly ResultRow[] }
  return rows
}
