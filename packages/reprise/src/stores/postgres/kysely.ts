/** Kysely by its shape: a `Kysely` on PostgreSQL fits, and is no dependency. */

import type { Isolation, PostgresClient, ResultRow } from './client.ts'
import { controlledTransaction } from './controlled-transaction.ts'
import { inline } from './statement.ts'

interface Executes {
  // biome-ignore lint/suspicious/noExplicitAny: a compiled query, whose nodes are Kysely's own affair
  executeQuery(query: any): Promise<{ readonly rows: readonly unknown[] }>
}

interface Executable {
  execute(): Promise<unknown>
}

interface ControlledTransaction extends Executes {
  commit(): Executable
  rollback(): Executable
}

interface TransactionBuilder {
  // biome-ignore lint/suspicious/noExplicitAny: its levels are more than PostgreSQL's
  setIsolationLevel(level: any): TransactionBuilder
  execute(): Promise<ControlledTransaction>
}

/** The subset of `Kysely` that the store needs; from version 0.28, which has controlled transactions. */
export interface KyselyDatabase extends Executes {
  // biome-ignore lint/suspicious/noExplicitAny: only the type of what the function is given is of interest
  transaction(): { execute(work: (trx: any) => Promise<unknown>): Promise<unknown> }
  startTransaction(): TransactionBuilder
}

/** The transaction of a Kysely, as its own `transaction().execute(trx => …)` hands it out. */
export type KyselyTransaction<Db extends KyselyDatabase> =
  ReturnType<Db['startTransaction']> extends { execute(): Promise<infer Trx> } ? Trx : never

/**
 * The store over a `Kysely` on PostgreSQL: `attempt.tx` is a transaction of Kysely, and what is written with it commits
 * together with the outcome.
 *
 * @example
 * const store = postgres({ client: kysely(db) })
 * // in a handler: await attempt.tx.insertInto('orders').values({ sku: 'sku-1' }).execute()
 */
export function kysely<Db extends KyselyDatabase>(db: Db): PostgresClient<KyselyTransaction<Db>> {
  return {
    library: 'kysely',
    survivesLoss: false,
    listen: undefined,
    query: async (statement, values) => execute(db, inline(statement, values)),
    run: async (text) => {
      await execute(db, text)
    },
    begin: async (isolation: Isolation | undefined, first, values) => {
      const start = db.startTransaction()
      const trx = await (isolation === undefined ? start : start.setIsolationLevel(isolation)).execute()
      const rollback = async (): Promise<void> => {
        await trx.rollback().execute()
      }
      const commit = async (): Promise<void> => {
        try {
          await trx.commit().execute()
        } catch (error) {
          // A COMMIT that fails keeps its connection too.
          await rollback().catch(() => undefined)
          throw error
        }
      }
      const tx = trx as unknown as KyselyTransaction<Db> & object
      return controlledTransaction({ tx, run: (text) => execute(trx, text), commit, rollback }, first, values)
    },
  }
}

async function execute(on: Executes, text: string): Promise<readonly ResultRow[]> {
  // What `CompiledQuery.raw(text)` makes.
  const query = { kind: 'RawNode', sqlFragments: [text], parameters: [] }
  const { rows } = await on.executeQuery({ query, sql: text, parameters: [], queryId: { queryId: 'reprise' } })
  return rows as readonly ResultRow[]
}
