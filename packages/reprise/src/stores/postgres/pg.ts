/** node-postgres by its shape: `Pool` of `pg` fits, and is no dependency. */

import { RepriseError } from '../../engine/errors.ts'
import type { Isolation, Listening, OpenTransaction, PostgresClient, ResultRow } from './client.ts'
import { refuseControl } from './control.ts'
import { isPreparedTwice, isUnprepared } from './faults.ts'
import type { Patience } from './patience.ts'
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

/** What each connection has prepared: known to all stores of the process, since several may share a pool. */
const prepared = new WeakMap<PgConnection, Set<string>>()

/** The store's client over a pool of `pg`. */
export function pgClient(pool: PgPool, { prepare }: PgSettings): PostgresClient<PgTx> {
  /** The statement as text for a connection, after what prepares it there. */
  function ask(connection: PgConnection, statement: Statement, values: readonly Value[]): Asked {
    if (!prepare) return { text: inline(statement, values), prepares: false }
    const has = prepared.get(connection) ?? new Set()
    prepared.set(connection, has)
    const text = executeText(statement, values)
    if (has.has(statement.name)) return { text, prepares: false }
    has.add(statement.name)
    return { text: `${prepareText(statement)}; ${text}`, prepares: true }
  }

  async function withConnection<T>(work: (connection: PgConnection) => Promise<T>, patience?: Patience): Promise<T> {
    const loan = await borrow(pool, patience)
    try {
      const result = await work(loan.connection)
      loan.end()
      return result
    } catch (error) {
      loan.end(error)
      throw error
    }
  }

  async function open(
    connection: PgConnection,
    begin: string,
    first: Statement,
    values: readonly Value[],
  ): Promise<readonly ResultRow[]> {
    const results = (await connection.query(`${begin}; ${ask(connection, first, values).text}`)) as PgResult[]
    return results.at(-1)?.rows ?? []
  }

  return {
    library: 'pg',
    survivesLoss: true,

    query: (statement, values, patience) =>
      withConnection(async (connection) => {
        const query: PgQuery = { text: statement.text, values: [...values] }
        const result = await connection.query(prepare ? { ...query, name: statement.name } : query)
        return (result as PgResult).rows
      }, patience),

    run: (text) =>
      withConnection(async (connection) => {
        await connection.query(text)
      }),

    begin: async (isolation, first, values, lost, patience) => {
      const loan = await borrow(pool, patience, lost)
      const { connection } = loan
      const begin = beginText(isolation)
      try {
        let rows: readonly ResultRow[]
        try {
          rows = await open(connection, begin, first, values)
        } catch (error) {
          // Somebody else has cleared the connection of what was prepared on it, or prepared it before.
          if (isUnprepared(error)) prepared.delete(connection)
          else if (!isPreparedTwice(error)) throw error
          await connection.query('rollback')
          rows = await open(connection, begin, first, values)
        }
        return new PgTransaction(loan, rows, (last, given) => ask(connection, last, given))
      } catch (error) {
        loan.end(error)
        throw error
      }
    },

    listen: prepare ? (channel, heard, lost) => listen(pool, channel, heard, lost) : undefined,
  }
}

export function beginText(isolation: Isolation | undefined): string {
  return isolation === undefined ? 'begin' : `begin isolation level ${isolation}`
}

interface Asked {
  readonly text: string
  /** Where it fails, nobody knows whether the connection has prepared the statement. */
  readonly prepares: boolean
}

/** A connection of the pool, until it is given back. Its loss in between is an error of whoever uses it, and of nobody else. */
interface Loan {
  readonly connection: PgConnection
  /** Gives it back, once; has it closed where there was an error. */
  end(error?: unknown): void
}

/** `lost`: the connection is gone. What is under way on it ends when nobody waits any more. */
async function borrow(
  pool: PgPool,
  patience: Patience | undefined,
  lost: (error: unknown) => void = () => undefined,
): Promise<Loan> {
  const connection = await pool.connect()
  let lent = true
  const end = (error?: unknown): void => {
    if (!lent) return
    lent = false
    connection.removeListener('error', lost)
    connection.release(error === undefined ? undefined : asError(error))
  }
  // Without a listener, the loss of a connection that is in use ends the process.
  connection.on('error', lost)
  if (patience?.over === true) {
    end()
    throw new Error('The connection came too late.')
  }
  if (patience !== undefined) patience.onOver = () => end(new Error('Nobody waits for the answer any more.'))
  return { connection, end }
}

class PgTransaction implements OpenTransaction<PgTx> {
  readonly rows: readonly ResultRow[]
  readonly tx: PgTx
  readonly #loan: Loan
  readonly #ask: (statement: Statement, values: readonly Value[]) => Asked
  #refusal: (() => Error) | undefined
  /** The last statement of the handler: a connection is asked one thing at a time. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(loan: Loan, rows: readonly ResultRow[], ask: (statement: Statement, values: readonly Value[]) => Asked) {
    this.rows = rows
    this.#loan = loan
    this.#ask = ask
    this.tx = {
      query: async (text, values) => {
        if (this.#refusal !== undefined) throw this.#refusal()
        refuseControl(typeof text === 'string' ? text : text.text)
        const sent = this.#loan.connection.query(text, values)
        this.#last = Promise.resolve(sent).catch(() => undefined)
        return sent
      },
    }
  }

  revoke(error: () => Error): void {
    this.#refusal ??= error
  }

  async commit(last: Statement, values: readonly Value[]): Promise<void> {
    await this.#last
    const { text, prepares } = this.#ask(last, values)
    try {
      await this.#loan.connection.query(`${text}; commit`)
    } catch (error) {
      await this.#abandon(error, prepares)
      throw error
    }
    this.#loan.end()
  }

  async rollback(): Promise<void> {
    await this.#last
    try {
      await this.#loan.connection.query('rollback')
    } catch (error) {
      this.#loan.end(error)
      throw error
    }
    this.#loan.end()
  }

  destroy(): void {
    this.#loan.end(new RepriseError('transaction-ended', 'The transaction was given up.'))
  }

  /** Leaves the connection fit for the next, or has it closed. */
  async #abandon(error: unknown, prepares: boolean): Promise<void> {
    if (prepares || isUnprepared(error)) return this.#loan.end(error)
    try {
      await this.#loan.connection.query('rollback')
      this.#loan.end()
    } catch {
      this.#loan.end(error)
    }
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
  let last: Promise<unknown> = Promise.resolve()
  return {
    run: async (statement, values) => {
      const answered = last.then(() => connection.query(inline(statement, values)) as Promise<unknown>)
      last = answered.catch(() => undefined)
      await answered
    },
    end: async () => end(),
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
