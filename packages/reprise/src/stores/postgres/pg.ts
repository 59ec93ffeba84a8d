/** node-postgres by its shape: `Pool` of `pg` fits, and is no dependency. */

import { RepriseError } from '../../engine/errors.ts'
import type { Isolation, Listening, OpenTransaction, PostgresClient, ResultRow } from './client.ts'
import { refuseControl } from './control.ts'
import { isUnprepared } from './faults.ts'
import { executeText, inline, prepareText, type Statement, type Value } from './statement.ts'

interface PgResult {
  readonly rows: ResultRow[]
  readonly rowCount: number | null
}

interface PgQuery {
  readonly text: string
  readonly name?: string
  readonly values?: unknown[]
}

/** The subset of a connection of `pg` that the store needs. */
export interface PgConnection {
  // biome-ignore lint/suspicious/noExplicitAny: its overloads are its own affair
  query(...parameters: any[]): any
  release(destroy?: boolean | Error): void
  // biome-ignore lint/suspicious/noExplicitAny: each event has listeners of its own kind
  on(event: any, listener: (...parameters: any[]) => void): unknown
  // biome-ignore lint/suspicious/noExplicitAny: each event has listeners of its own kind
  removeListener(event: any, listener: (...parameters: any[]) => void): unknown
}

/** The subset of `Pool` of `pg` that the store needs. */
export interface PgPool {
  connect(): Promise<PgConnection>
}

/**
 * What a handler gets as `attempt.tx`: the connection of its transaction, which refuses every use after the attempt has
 * ended (`transaction-ended`), and every BEGIN, COMMIT and ROLLBACK (`transaction-broken`).
 *
 * @example
 * await attempt.tx.query('insert into orders (sku) values ($1)', ['sku-1'])
 */
export interface PgTx {
  query<Row = Record<string, unknown>>(
    text: string | { readonly text: string; readonly name?: string; readonly values?: readonly unknown[] },
    values?: readonly unknown[],
  ): Promise<{ readonly rows: Row[]; readonly rowCount: number | null }>
}

export interface PgSettings {
  /** False where a pooler hands each transaction another connection. */
  readonly prepare: boolean
}

/** The store's client over a pool of `pg`. */
export function pgClient(pool: PgPool, { prepare }: PgSettings): PostgresClient<PgTx> {
  /** What each connection has prepared. */
  const prepared = new WeakMap<PgConnection, Set<string>>()

  /** The statement as text for a connection, after what prepares it there. */
  function ask(connection: PgConnection, statement: Statement, values: readonly Value[]): string {
    if (!prepare) return inline(statement, values)
    const has = prepared.get(connection) ?? new Set()
    prepared.set(connection, has)
    const text = executeText(statement, values)
    if (has.has(statement.name)) return text
    has.add(statement.name)
    return `${prepareText(statement)}; ${text}`
  }

  async function withConnection<T>(work: (connection: PgConnection) => Promise<T>): Promise<T> {
    const connection = await pool.connect()
    try {
      const result = await work(connection)
      connection.release()
      return result
    } catch (error) {
      connection.release(asError(error))
      throw error
    }
  }

  async function open(
    connection: PgConnection,
    begin: string,
    first: Statement,
    values: readonly Value[],
  ): Promise<readonly ResultRow[]> {
    const results = (await connection.query(`${begin}; ${ask(connection, first, values)}`)) as PgResult[]
    return results.at(-1)?.rows ?? []
  }

  return {
    library: 'pg',
    survivesLoss: true,

    query: (statement, values) =>
      withConnection(async (connection) => {
        const query: PgQuery = { text: statement.text, values: [...values] }
        const result = await connection.query(prepare ? { ...query, name: statement.name } : query)
        return (result as PgResult).rows
      }),

    run: (text) =>
      withConnection(async (connection) => {
        await connection.query(text)
      }),

    begin: async (isolation, first, values, lost) => {
      const connection = await pool.connect()
      const onError = (error: unknown): void => lost(error)
      connection.on('error', onError)
      const begin = beginText(isolation)
      try {
        let rows: readonly ResultRow[]
        try {
          rows = await open(connection, begin, first, values)
        } catch (error) {
          if (!isUnprepared(error)) throw error
          prepared.delete(connection)
          await connection.query('rollback')
          rows = await open(connection, begin, first, values)
        }
        return new PgTransaction(connection, rows, onError, (last, given) => ask(connection, last, given))
      } catch (error) {
        connection.removeListener('error', onError)
        connection.release(asError(error))
        throw error
      }
    },

    listen: prepare ? (channel, heard, lost) => listen(pool, channel, heard, lost) : undefined,
  }
}

export function beginText(isolation: Isolation | undefined): string {
  return isolation === undefined ? 'begin' : `begin isolation level ${isolation}`
}

class PgTransaction implements OpenTransaction<PgTx> {
  readonly rows: readonly ResultRow[]
  readonly tx: PgTx
  readonly #connection: PgConnection
  readonly #onError: (error: unknown) => void
  readonly #ask: (statement: Statement, values: readonly Value[]) => string
  #refusal: (() => Error) | undefined
  #released = false

  constructor(
    connection: PgConnection,
    rows: readonly ResultRow[],
    onError: (error: unknown) => void,
    ask: (statement: Statement, values: readonly Value[]) => string,
  ) {
    this.rows = rows
    this.#connection = connection
    this.#onError = onError
    this.#ask = ask
    this.tx = {
      query: (text, values) => {
        if (this.#refusal !== undefined) return Promise.reject(this.#refusal())
        try {
          refuseControl(typeof text === 'string' ? text : text.text)
        } catch (error) {
          return Promise.reject(error)
        }
        return this.#connection.query(text, values)
      },
    }
  }

  revoke(error: () => Error): void {
    this.#refusal ??= error
  }

  async commit(last: Statement, values: readonly Value[]): Promise<void> {
    try {
      await this.#connection.query(`${this.#ask(last, values)}; commit`)
    } catch (error) {
      await this.#abandon(error)
      throw error
    }
    this.#release()
  }

  async rollback(): Promise<void> {
    try {
      await this.#connection.query('rollback')
    } catch (error) {
      this.#release(error)
      throw error
    }
    this.#release()
  }

  destroy(): void {
    this.#release(new RepriseError('transaction-ended', 'The transaction was given up.'))
  }

  /** Leaves the connection fit for the next, or has it closed. */
  async #abandon(error: unknown): Promise<void> {
    if (isUnprepared(error)) return this.#release(error)
    try {
      await this.#connection.query('rollback')
      this.#release()
    } catch {
      this.#release(error)
    }
  }

  #release(error?: unknown): void {
    if (this.#released) return
    this.#released = true
    this.#connection.removeListener('error', this.#onError)
    this.#connection.release(error === undefined ? undefined : asError(error))
  }
}

async function listen(
  pool: PgPool,
  channel: string,
  heard: (payload: string) => void,
  lost: () => void,
): Promise<Listening> {
  const connection = await pool.connect()
  let over = false
  const onNotification = (message: { channel: string; payload?: string }): void => {
    if (message.channel === channel) heard(message.payload ?? '')
  }
  const end = (error?: unknown): void => {
    if (over) return
    over = true
    connection.removeListener('notification', onNotification)
    connection.removeListener('error', onLoss)
    connection.removeListener('end', onLoss)
    // Never back to the pool as it is: its next user would hold the locks of those who wait.
    connection.release(error === undefined ? true : asError(error))
  }
  const onLoss = (error?: unknown): void => {
    if (over) return
    end(error ?? new Error('The connection ended.'))
    lost()
  }
  connection.on('notification', onNotification)
  connection.on('error', onLoss)
  connection.on('end', onLoss)
  try {
    await connection.query(`listen "${channel}"`)
  } catch (error) {
    end(error)
    throw error
  }
  return {
    run: async (statement, values) => {
      await connection.query(inline(statement, values))
    },
    end: async () => end(),
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
