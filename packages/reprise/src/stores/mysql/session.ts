/** Connections of the user's pool, each borrowed for as long as one piece of work takes. */

import type { Clock } from '../../engine/clock.ts'
import { RepriseError } from '../../engine/errors.ts'
import type { MysqlConnection, MysqlPool } from './client.ts'
import { Gone, isLost, isReadOnly, Silent, TooLarge, unavailable } from './faults.ts'

export type SqlRow = Readonly<Record<string, unknown>>

/** One statement, and what its answer is wanted for. */
export interface Statement {
  readonly sql: string
  readonly gives: 'rows' | 'count' | 'nothing'
}

export const rowsOf = (sql: string): Statement => ({ sql, gives: 'rows' })
export const countOf = (sql: string): Statement => ({ sql, gives: 'count' })
export const plainly = (sql: string): Statement => ({ sql, gives: 'nothing' })

/** Rows, or how many rows were changed; one for each statement that gives something. */
export type Answer = readonly SqlRow[] | number

/** The answer of a statement that changed something. */
interface Header {
  readonly affectedRows?: number
  readonly serverStatus?: number
}

/** In the status that comes with an answer: a transaction is open. */
export const inTransactionStatus = 1

/**
 * How many rows each statement of a compound one has changed, gathered so that they do not cost a result each. A variable of
 * the session, because that of a block is declared in another place where MariaDB speaks like Oracle.
 */
const counted = '@reprise_counted'
const resetCounts = `set ${counted} = ''`
const countRows = `set ${counted} = concat(${counted}, row_count(), ' ')`

/** How a server is spoken to. */
export interface Dialect {
  /** It has compound statements outside of stored programs. */
  readonly compound: boolean
  readonly maxPacketBytes: number
}

export class Session<C extends MysqlConnection = MysqlConnection> {
  readonly connection: C
  /** Statements travel together, as one. */
  readonly compound: boolean
  readonly #maxBytes: number
  readonly #answerMs: number
  readonly #clock: Clock
  readonly #over: () => void
  readonly #lost: Promise<never>
  readonly #listeners: ((error: unknown) => void)[] = []
  #lose: (error: unknown) => void = () => undefined
  #error: Error | undefined
  #status = 0
  #stale = false
  #borrowed = true

  constructor(connection: C, { compound, maxPacketBytes }: Dialect, answerMs: number, clock: Clock, over: () => void) {
    this.connection = connection
    this.compound = compound
    this.#maxBytes = maxPacketBytes
    this.#answerMs = answerMs
    this.#clock = clock
    this.#over = over
    this.#lost = new Promise<never>((_, reject) => {
      this.#lose = reject
    })
    // Who waits for an answer is told; whoever does not has nothing to do about it.
    this.#lost.catch(() => undefined)
    connection.on('error', this.#broken)
    connection.on('end', this.#broken)
  }

  /** Why the connection is gone, if it is. */
  get lost(): Error | undefined {
    return this.#error
  }

  /** After the last statement that changed something, a transaction was open. */
  get inTransaction(): boolean {
    return (this.#status & inTransactionStatus) !== 0
  }

  /** `tell` is called once, when the connection is lost. */
  whenLost(tell: (error: unknown) => void): void {
    if (this.#error === undefined) this.#listeners.push(tell)
    else tell(this.#error)
  }

  /** What a call to the connection comes to, or why it never will: a connection that is destroyed answers nobody. */
  async answered<T>(call: Promise<T>): Promise<T> {
    return Promise.race([call, this.#lost])
  }

  /**
   * Statements in their order, up to the first that fails. In MariaDB they are one compound statement: one round trip.
   * The server is given `withinMs` for its answer; one that is silent for longer is given up, and with it the connection.
   */
  async together(statements: readonly Statement[], withinMs: number = this.#answerMs): Promise<readonly Answer[]> {
    if (this.compound && statements.length > 1) return this.#compound(statements, withinMs)
    const answers: Answer[] = []
    for (const { sql, gives } of statements) {
      const result = await this.#query(sql, withinMs)
      if (gives === 'rows') answers.push(result as readonly SqlRow[])
      else if (gives === 'count') answers.push((result as Header).affectedRows ?? 0)
    }
    return answers
  }

  /** Says goodbye, and gives the connection back; one that can't be cleaned is ended. */
  async leave(farewell: readonly Statement[]): Promise<void> {
    try {
      if (this.#error !== undefined) throw this.#error
      await this.together(farewell)
      this.release()
    } catch (error) {
      this.discard(error)
    }
  }

  /** Gives the connection back, as good as it came. */
  release(): void {
    if (this.#stale) this.discard()
    else if (this.#end()) this.connection.release()
  }

  /** Ends the connection. What was open on it is rolled back, and what was locked is free, when the server notices. */
  discard(error?: unknown): void {
    if (this.#end()) this.connection.destroy()
    this.#broken(error)
  }

  async #compound(statements: readonly Statement[], withinMs: number): Promise<readonly Answer[]> {
    const counts = statements.some(({ gives }) => gives === 'count')
    const body = statements.map(({ sql, gives }) => (gives === 'count' ? `${sql};${countRows}` : sql))
    const whole = counts ? [resetCounts, ...body, `select ${counted} as counted`] : body
    const result = await this.#query(`begin not atomic ${whole.join(';')};end`, withinMs)
    // The last of the results is that of the compound statement itself.
    const results = Array.isArray(result) ? (result.slice(0, -1) as SqlRow[][]) : []
    const numbers = counts ? String(results.pop()?.[0]?.counted).split(' ') : []
    return statements
      .filter(({ gives }) => gives !== 'nothing')
      .map(({ gives }) => (gives === 'rows' ? (results.shift() ?? []) : Number(numbers.shift())))
  }

  async #query(sql: string, withinMs: number): Promise<unknown> {
    // A server that is sent more hangs up.
    if (sql.length > this.#maxBytes) throw new TooLarge(sql.length, this.#maxBytes)
    const cancel = Number.isFinite(withinMs)
      ? this.#clock.after(withinMs, () => this.discard(new Silent(withinMs)))
      : () => undefined
    const query = { sql, rowsAsArray: false, nestTables: false, typeCast: true, namedPlaceholders: false } as const
    try {
      const [result] = await this.answered(this.connection.query(query))
      const { serverStatus } = result as Header
      if (serverStatus !== undefined) this.#status = serverStatus
      return result
    } catch (error) {
      if (isLost(error)) this.#broken(error)
      // The server that takes writes is another by now, and a new connection may find it.
      if (isReadOnly(error)) this.#stale = true
      throw error
    } finally {
      cancel()
    }
  }

  readonly #broken = (error: unknown): void => {
    if (this.#error !== undefined) return
    this.#error = error instanceof Error ? error : new Gone()
    this.#lose(this.#error)
    for (const tell of this.#listeners.splice(0)) tell(this.#error)
  }

  #end(): boolean {
    if (!this.#borrowed) return false
    this.#borrowed = false
    this.connection.removeListener('error', this.#broken)
    this.connection.removeListener('end', this.#broken)
    this.#over()
    return true
  }
}

export class Sessions<C extends MysqlConnection = MysqlConnection> {
  readonly #pool: MysqlPool<C>
  readonly #busyMs: number
  readonly #answerMs: number
  readonly #clock: Clock
  readonly #idle: (() => void)[] = []
  #borrowed = 0
  /** Set when the server is known. */
  dialect: Dialect = { compound: false, maxPacketBytes: 1024 * 1024 }

  constructor(pool: MysqlPool<C>, busyMs: number, answerMs: number, clock: Clock) {
    this.#pool = pool
    this.#busyMs = busyMs
    this.#answerMs = answerMs
    this.#clock = clock
  }

  /** A connection of the pool, waited for within bounds. Throws `store-unavailable` where none is to be had. */
  async borrow(): Promise<Session<C>> {
    this.#borrowed++
    try {
      const connection = await this.#connection()
      return new Session(connection, this.dialect, this.#answerMs, this.#clock, () => this.#given())
    } catch (error) {
      this.#given()
      throw error
    }
  }

  /**
   * Does some work with a connection of its own. After an error of the server the connection is rolled back before it is
   * given to others, since a transaction may be open.
   */
  async with<T>(work: (session: Session<C>) => Promise<T>): Promise<T> {
    const session = await this.borrow()
    try {
      const result = await work(session)
      session.release()
      return result
    } catch (error) {
      await session.leave([plainly('rollback')])
      throw error
    }
  }

  /** Resolves when every connection has been given back. */
  async idle(): Promise<void> {
    if (this.#borrowed > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  #given(): void {
    this.#borrowed--
    if (this.#borrowed === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  #connection(): Promise<C> {
    return new Promise((resolve, reject) => {
      let waiting = true
      const cancel = this.#clock.after(this.#busyMs, () => {
        waiting = false
        reject(new RepriseError('store-unavailable', `The pool had no free connection for ${this.#busyMs} ms.`))
      })
      this.#pool.getConnection().then(
        (connection) => {
          // Nobody is waiting for it any more.
          if (!waiting) return connection.release()
          cancel()
          resolve(connection)
        },
        (error: unknown) => {
          cancel()
          reject(unavailable(error))
        },
      )
    })
  }
}
