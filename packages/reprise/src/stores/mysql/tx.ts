/** What a handler gets as `attempt.tx`: the connection in which its outcome is recorded too, for as long as it may. */

import { RepriseError } from '../../engine/errors.ts'
import type { MysqlConnection } from './client.ts'
import { refuseControl } from './control.ts'
import { errno, isConflict, serverErrno } from './faults.ts'
import { inTransactionStatus, type Session } from './session.ts'

/**
 * The transaction of one attempt: `query` and `execute` of the pool's connection, with all their signatures. Statements are
 * sent one after the other, also where several are asked for at once.
 *
 * Refuses every use after the attempt has ended (`transaction-ended`) or was given up (`attempt-overdue`), every statement
 * after a deadlock (`transaction-conflict`), and every statement that would end the transaction: BEGIN, COMMIT, ROLLBACK,
 * SAVEPOINT, and CREATE, ALTER, DROP, TRUNCATE, LOCK TABLES and their like, which commit first (`transaction-broken`).
 *
 * @example
 * await attempt.tx.execute('insert into orders (id, sku) values (?, ?)', [id, sku])
 */
export type MysqlTx<C extends MysqlConnection = MysqlConnection> = Pick<C, 'query' | 'execute'>

type Call = (sql: unknown, values?: unknown) => Promise<readonly unknown[]>

export class RevocableTx {
  readonly #session: Session
  readonly #timeoutRollsBack: boolean
  #refusal: (() => RepriseError) | undefined
  #last: Promise<unknown> = Promise.resolve()
  #pending = 0
  /** The server has rolled the transaction back: what came after would be committed by itself. */
  doomed: unknown
  /** The last statement that stood in another transaction's way. */
  conflict: unknown

  constructor(session: Session, timeoutRollsBack: boolean) {
    this.#session = session
    this.#timeoutRollsBack = timeoutRollsBack
  }

  /** A statement is under way. */
  get busy(): boolean {
    return this.#pending > 0
  }

  query(sql: unknown, values?: unknown): Promise<readonly unknown[]> {
    return this.#say('query', sql, values)
  }

  execute(sql: unknown, values?: unknown): Promise<readonly unknown[]> {
    return this.#say('execute', sql, values)
  }

  /** From now on every use is refused, also of those that wait for their turn. The first reason stays. */
  refuse(reason: () => RepriseError): void {
    this.#refusal ??= reason
  }

  /** Resolves when no statement is under way. */
  async quiet(): Promise<void> {
    await this.#last
  }

  async #say(how: 'query' | 'execute', sql: unknown, values: unknown): Promise<readonly unknown[]> {
    this.#assertLive()
    refuseControl(textOf(sql))
    const before = this.#last
    // The driver would send all of them, one right after the other, also when the first has ended the transaction.
    const turn = this.#pending === 0 ? this.#send(how, sql, values) : before.then(() => this.#send(how, sql, values))
    this.#pending++
    this.#last = turn.then(
      () => this.#pending--,
      () => this.#pending--,
    )
    return turn
  }

  async #send(how: 'query' | 'execute', sql: unknown, values: unknown): Promise<readonly unknown[]> {
    this.#assertLive()
    const connection = this.#session.connection as unknown as Record<'query' | 'execute', Call>
    try {
      const call = values === undefined ? connection[how](sql) : connection[how](sql, values)
      const answer = await this.#session.answered(call)
      if (hasLeft(answer)) this.refuse(() => new RepriseError('transaction-broken', 'The transaction has been ended.'))
      return answer
    } catch (error) {
      if (isConflict(error)) {
        this.conflict = error
        if (serverErrno(error) !== errno.lockWaitTimeout || this.#timeoutRollsBack) this.#doom(error)
      }
      throw error
    }
  }

  #doom(error: unknown): void {
    this.doomed ??= error
    const what = 'The server has rolled the transaction back to end a deadlock.'
    this.refuse(() => new RepriseError('transaction-conflict', what, { cause: error }))
  }

  #assertLive(): void {
    if (this.#refusal !== undefined) throw this.#refusal()
  }
}

/** A statement that changes something is answered with whether a transaction is open after it; a procedure, too. */
function hasLeft([result]: readonly unknown[]): boolean {
  const last: unknown = Array.isArray(result) ? result.at(-1) : result
  const { fieldCount, serverStatus } = (last ?? {}) as { fieldCount?: unknown; serverStatus?: unknown }
  return fieldCount === 0 && typeof serverStatus === 'number' && (serverStatus & inTransactionStatus) === 0
}

/** The text of a statement, given as itself or with options. */
function textOf(sql: unknown): string {
  return String(typeof sql === 'object' && sql !== null ? Reflect.get(sql, 'sql') : sql)
}
