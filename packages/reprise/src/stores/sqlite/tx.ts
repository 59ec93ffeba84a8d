/** What a handler gets as `attempt.tx`: the connection in which its outcome is recorded too, for as long as it may. */

import { RepriseError } from '../../engine/errors.ts'
import type { DriverConnection, DriverStatement } from './driver.ts'

/** The statements that would end or nest the transaction which the attempt lives in. */
const control =
  /^\s*(?:--[^\n]*\n\s*|\/\*[\s\S]*?\*\/\s*)*(begin|commit|end|rollback|savepoint|release|attach|detach|vacuum)\b/i

/** A prepared statement; parameters come one by one, as one array, or as one object of named ones. */
export interface SqliteStatement {
  readonly reader: boolean
  run(...parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint }
  get(...parameters: readonly unknown[]): unknown
  all(...parameters: readonly unknown[]): unknown[]
  iterate(...parameters: readonly unknown[]): IterableIterator<unknown>
}

/**
 * The transaction of one attempt. Refuses every use after the attempt has ended (`transaction-ended`), because the
 * connection then belongs to another, and every BEGIN, COMMIT, ROLLBACK and SAVEPOINT (`transaction-broken`).
 *
 * It has the shape that Kysely's `SqliteDialect` takes as `database`.
 *
 * @example
 * attempt.tx.prepare('insert into orders (id, sku) values (?, ?)').run(id, sku)
 */
export interface SqliteTx {
  prepare(sql: string): SqliteStatement
  /** Runs several statements at once, without parameters. */
  exec(sql: string): void
  /** Does nothing: the connection belongs to the store. Here so that query builders find it. */
  close(): void
}

/** Prepared statements of a connection by their text; preparing costs more than running. */
export class StatementCache {
  readonly #connection: DriverConnection
  readonly #limit: number
  readonly #prepared = new Map<string, DriverStatement>()
  readonly asArray: boolean

  constructor(connection: DriverConnection, asArray: boolean, limit = 500) {
    this.#connection = connection
    this.asArray = asArray
    this.#limit = limit
  }

  prepare(sql: string): DriverStatement {
    const found = this.#prepared.get(sql)
    if (found !== undefined) return found
    if (this.#prepared.size >= this.#limit) this.#prepared.clear()
    const made = this.#connection.prepare(sql)
    this.#prepared.set(sql, made)
    return made
  }

  exec(sql: string): void {
    this.#connection.exec(sql)
  }
}

export class RevocableTx implements SqliteTx {
  readonly #cache: StatementCache
  #live = true

  constructor(cache: StatementCache) {
    this.#cache = cache
  }

  /** From now on every use throws. */
  revoke(): void {
    this.#live = false
  }

  prepare(sql: string): SqliteStatement {
    this.assertLive()
    refuseControl(sql)
    return new TxStatement(this, this.#cache.prepare(sql), this.#cache.asArray)
  }

  exec(sql: string): void {
    this.assertLive()
    refuseControl(sql)
    this.#cache.exec(sql)
  }

  close(): void {}

  assertLive(): void {
    if (!this.#live) throw new RepriseError('transaction-ended', 'The attempt of this transaction has ended.')
  }
}

class TxStatement implements SqliteStatement {
  readonly #tx: RevocableTx
  readonly #statement: DriverStatement
  readonly #asArray: boolean

  constructor(tx: RevocableTx, statement: DriverStatement, asArray: boolean) {
    this.#tx = tx
    this.#statement = statement
    this.#asArray = asArray
  }

  get reader(): boolean {
    return this.#statement.reader ?? false
  }

  run(...parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint } {
    this.#tx.assertLive()
    return this.#statement.run(...this.#bind(parameters))
  }

  get(...parameters: readonly unknown[]): unknown {
    this.#tx.assertLive()
    return this.#statement.get(...this.#bind(parameters))
  }

  all(...parameters: readonly unknown[]): unknown[] {
    this.#tx.assertLive()
    return this.#statement.all(...this.#bind(parameters))
  }

  iterate(...parameters: readonly unknown[]): IterableIterator<unknown> {
    this.#tx.assertLive()
    return this.#statement.iterate(...this.#bind(parameters))
  }

  #bind(parameters: readonly unknown[]): readonly unknown[] {
    const [first] = parameters
    if (parameters.length === 1 && typeof first === 'object' && first !== null) {
      if (Array.isArray(first)) return this.#asArray ? parameters : first
      if (!(first instanceof Uint8Array)) return parameters
    }
    return this.#asArray ? [parameters] : parameters
  }
}

function refuseControl(sql: string): void {
  const word = control.exec(sql)?.[1]
  if (word !== undefined) {
    throw new RepriseError('transaction-broken', `A handler may not say ${word.toUpperCase()}.`)
  }
}
