/**
 * A transaction of postgres.js, and what it takes to survive the loss of its connection. When the server or the network ends
 * one, postgres.js opens it anew for others: what is still asked of it then runs outside of any transaction, or ends the
 * process, because there is no socket. So nothing is asked of it any more from the moment in which it is lost.
 */

import { systemClock } from '../../engine/clock.ts'
import { RepriseError } from '../../engine/errors.ts'
import type { Isolation, ResultRow } from './client.ts'
import { refuseControl } from './control.ts'
import { revocable } from './revocable.ts'

/** The subset of a connection of postgres.js that the store needs. */
export interface PostgresJsConnection {
  // biome-ignore lint/suspicious/noExplicitAny: its overloads are its own affair
  unsafe(text: string, values?: any, options?: any): PromiseLike<any>
}

/** What opens transactions: each around a function, which is given the transaction. */
export interface Begins {
  // biome-ignore lint/suspicious/noExplicitAny: only the type of what the function is given is of interest
  begin(options: string, work: (tx: any) => any): Promise<any>
}

/** A query of postgres.js. It is sent, by its handler, when somebody first waits for it. */
interface Query {
  handler: (query: Query) => void
  reject: (error: unknown) => void
}

export class Begun<Tx extends PostgresJsConnection> {
  /** The transaction as the handler gets it. */
  readonly view: Tx
  readonly revoke: (error: () => Error) => void
  readonly #tx: Tx
  readonly #tell: (error: unknown) => void
  readonly #gone: Promise<never>
  #fail: (error: unknown) => void = () => undefined
  #lost: unknown
  #leaving: Promise<void> | undefined
  #over = false
  #savepoints = 0

  /** `lost` is told, once, that the connection is gone. */
  static open<Tx extends PostgresJsConnection>(
    sql: Begins,
    isolation: Isolation | undefined,
    lost: (error: unknown) => void,
  ): Promise<Begun<Tx>> {
    const level = isolation === undefined ? '' : `isolation level ${isolation}`
    let whole = new Promise<never>(() => undefined)
    const opened = new Promise<Begun<Tx>>((resolve) => {
      let begun: Begun<Tx> | undefined
      // The function never returns. It would have postgres.js say COMMIT or ROLLBACK, whether there is a connection or not;
      // said here, they end the transaction as well, and postgres.js takes the connection back when the server says so.
      whole = sql.begin(level, (tx: Tx) => {
        begun = new Begun(tx, lost)
        resolve(begun)
        return new Promise(() => undefined)
      }) as Promise<never>
      whole.catch((error: unknown) => {
        if (begun !== undefined) begun.#lose(error)
      })
    })
    return Promise.race([opened, whole])
  }

  private constructor(tx: Tx, lost: (error: unknown) => void) {
    this.#tx = tx
    this.#tell = lost
    this.#gone = new Promise((_, reject) => {
      this.#fail = reject
    })
    this.#gone.catch(() => undefined)
    const own = { savepoint: this.#savepoint, prepare: () => refuseControl('prepare transaction') }
    const revocation = revocable(tx, { own, made: (made, refused) => this.#watch(made, refused) })
    this.view = revocation.view
    this.revoke = revocation.revoke
  }

  /** Sends text now, behind what was sent before, and resolves with the rows. */
  async send(text: string, values: readonly unknown[] = [], options: object = {}): Promise<readonly ResultRow[]> {
    const refusal = this.#refusal()
    if (refusal !== undefined) throw refusal
    const query = this.#tx.unsafe(text, values, options)
    this.#watch(query, () => undefined)
    return Promise.race([query as PromiseLike<readonly ResultRow[]>, this.#gone])
  }

  /** Sends the last text of the transaction. The connection is somebody else's as soon as it is answered. */
  async end(text: string): Promise<void> {
    const answered = this.send(text)
    this.#over = true
    await answered
  }

  /** Rolls back, unless the transaction is over already. */
  leave(): Promise<void> {
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  async #leave(): Promise<void> {
    // A socket that has failed is closed within two turns of the loop, and takes no more until then.
    await turn()
    await turn()
    if (this.#refusal() === undefined) await this.end('rollback')
  }

  /** The library's own would ask for a ROLLBACK TO SAVEPOINT where there is no connection any more. */
  readonly #savepoint = async (named: unknown, given?: unknown): Promise<unknown> => {
    const work = (typeof named === 'function' ? named : given) as (tx: Tx) => unknown
    const name = `reprise_${++this.#savepoints}`
    await this.send(`savepoint ${name}`)
    try {
      const made = await work(this.view)
      return Array.isArray(made) ? await Promise.all(made) : made
    } catch (error) {
      await this.send(`rollback to ${name}`).catch(() => undefined)
      throw error
    }
  }

  /** Stands between a query and the connection: none is sent that is refused by now, and a broken connection is noticed. */
  #watch(made: unknown, refused: () => Error | undefined): void {
    if (!isQuery(made)) return
    const send = made.handler
    const watched = (query: Query): void => {
      const refusal = refused() ?? this.#loss()
      const reject = query.reject
      query.reject = (error) => {
        if (isOfConnection(error)) this.#lose(error)
        reject(error)
      }
      if (refusal === undefined) send(query)
      else reject(refusal)
    }
    // It keeps a setting on its handlers.
    made.handler = Object.assign(watched, send)
  }

  #refusal(): RepriseError | undefined {
    return this.#loss() ?? (this.#over ? new RepriseError('transaction-ended', 'The transaction is over.') : undefined)
  }

  #loss(): RepriseError | undefined {
    if (this.#lost === undefined) return undefined
    return new RepriseError('transaction-ended', 'The connection was lost.', { cause: this.#lost })
  }

  #lose(error: unknown): void {
    if (this.#lost !== undefined) return
    this.#lost = error ?? new Error('The connection was closed.')
    this.#fail(this.#lost)
    if (!this.#over) this.#tell(this.#lost)
  }
}

function isQuery(made: unknown): made is Query {
  const { handler, reject } = (made ?? {}) as Partial<Query>
  return typeof handler === 'function' && typeof reject === 'function'
}

/** Errors of sockets, and those that postgres.js makes of their end, have a number or a name of the system's. */
function isOfConnection(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'errno' in error
}

function turn(): Promise<void> {
  return new Promise((resolve) => systemClock.soon(resolve))
}
