/**
 * The application's database as a data source of DBOS: a step's result commits with its effect, as in DBOS's own data
 * sources, and ownership is checked before the commit as its interface asks. Without `deleteCheckpoints`, which spares
 * DBOS a deletion per workflow.
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import { DBOS } from '@dbos-inc/dbos-sdk'
import {
  assertStillOwnsWorkflow,
  type DataSourceTransactionHandler,
  migrateDataSourcePG,
  registerDataSource,
  replayRecordedStep,
} from '@dbos-inc/dbos-sdk/datasource'
import type { Pool, PoolClient } from 'pg'
import { openPool } from '../orders/postgres.ts'

export class DbosOrders implements DataSourceTransactionHandler {
  readonly name = 'orders'
  readonly #pool: Pool
  readonly #current = new AsyncLocalStorage<PoolClient>()

  constructor(url: string) {
    this.#pool = openPool(url)
    registerDataSource(this)
  }

  /** The connection of the transaction that is under way. */
  get connection(): PoolClient {
    const connection = this.#current.getStore()
    if (connection === undefined) throw new Error('There is no transaction.')
    return connection
  }

  initialize(): Promise<void> {
    return this.run((connection) => migrateDataSourcePG(async (sql) => (await connection.query(sql)).rows))
  }

  destroy(): Promise<void> {
    return this.#pool.end()
  }

  /** In a transaction of its own. */
  async run<T>(work: (connection: PoolClient) => Promise<T>): Promise<T> {
    const connection = await this.#pool.connect()
    try {
      await connection.query('begin')
      const result = await work(connection)
      await connection.query('commit')
      connection.release()
      return result
    } catch (error) {
      connection.release(true)
      throw error
    }
  }

  async invokeTransactionFunction<This, Args extends unknown[], Return>(
    _config: unknown,
    target: This,
    effect: (this: This, ...args: Args) => Promise<Return>,
    ...args: Args
  ): Promise<Return> {
    const { workflowID = '', stepID } = DBOS
    const recorded = await this.#pool.query<{ output: string | null; error: string | null }>({
      name: 'recorded_step',
      text: 'select output, error from dbos.transaction_completion where workflow_id = $1 and function_num = $2',
      values: [workflowID, stepID],
    })
    if (recorded.rows[0] !== undefined) return replayRecordedStep(recorded.rows[0])
    return this.run(async (connection) => {
      const result = await this.#current.run(connection, () => effect.apply(target, args))
      await connection.query({
        name: 'record_step',
        text: 'insert into dbos.transaction_completion (workflow_id, function_num, output) values ($1, $2, $3)',
        // As SuperJSON writes a value that is JSON already.
        values: [workflowID, stepID, JSON.stringify({ json: result })],
      })
      await assertStillOwnsWorkflow(workflowID)
      return result
    })
  }
}
