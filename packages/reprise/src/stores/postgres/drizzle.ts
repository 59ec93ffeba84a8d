/** Drizzle by its shape: a database of `drizzle-orm/node-postgres` or `drizzle-orm/postgres-js` fits, and is no dependency. */

import { callbackTransaction } from './callback-transaction.ts'
import type { PostgresClient, ResultRow } from './client.ts'
import { inline } from './statement.ts'

interface Executes {
  // biome-ignore lint/suspicious/noExplicitAny: what it returns is the driver's own affair
  execute(query: string): PromiseLike<any>
}

/** The subset of a Drizzle database that the store needs. */
export interface DrizzleDatabase extends Executes {
  // biome-ignore lint/suspicious/noExplicitAny: only the type of what the function is given is of interest
  transaction(work: (tx: any) => Promise<any>, options?: any): Promise<any>
}

/** The transaction of a Drizzle database, as its own `transaction(tx => …)` hands it out. */
export type DrizzleTransaction<Db extends DrizzleDatabase> = Parameters<Parameters<Db['transaction']>[0]>[0]

/**
 * The store over a Drizzle database on PostgreSQL: `attempt.tx` is a transaction of Drizzle, and what is written with it
 * commits together with the outcome.
 *
 * @example
 * const store = postgres({ client: drizzle(db) })
 * // in a handler: await attempt.tx.insert(orders).values({ sku: 'sku-1' })
 */
export function drizzle<Db extends DrizzleDatabase>(db: Db): PostgresClient<DrizzleTransaction<Db>> {
  return {
    library: 'drizzle',
    survivesLoss: false,
    listen: undefined,
    query: (statement, values) => execute(db, inline(statement, values)),
    run: async (text) => {
      await execute(db, text)
    },
    begin: (isolation, first, values, lost) =>
      callbackTransaction<DrizzleTransaction<Db>>(
        (within) => db.transaction(within, isolation === undefined ? undefined : { isolationLevel: isolation }),
        execute,
        first,
        values,
        lost,
      ),
  }
}

async function execute(on: Executes, text: string): Promise<readonly ResultRow[]> {
  const result = (await on.execute(text)) as { rows?: readonly ResultRow[] } & readonly ResultRow[]
  // node-postgres puts the rows into its result; the result of postgres.js is the rows.
  return result.rows ?? result
}
