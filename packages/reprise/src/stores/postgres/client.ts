/** What the store asks of a client of PostgreSQL, whichever library stands behind it. */

import type { Patience } from './patience.ts'
import type { Statement, Value } from './statement.ts'

export type ResultRow = Readonly<Record<string, unknown>>

export type Isolation = 'read committed' | 'repeatable read' | 'serializable'

/** A transaction that is open, and whose first statement has been answered. */
export interface OpenTransaction<Tx> {
  readonly rows: readonly ResultRow[]
  /** What the handler gets. */
  readonly tx: Tx
  /** Runs a last statement and commits, in one round trip where the client can. */
  commit(last: Statement, values: readonly Value[]): Promise<void>
  rollback(): Promise<void>
  /** Gives the connection up, whatever is running on it: the server rolls back. */
  destroy(): void
  /** From now on `tx` refuses every use with this error. */
  revoke(error: () => Error): void
}

/** A connection that listens. */
export interface Listening {
  /** Runs a statement on the very connection that listens. */
  run(statement: Statement, values: readonly Value[]): Promise<void>
  /** Gives the connection back, with everything that it holds; also where it is lost. */
  end(): Promise<void>
}

export interface PostgresClient<Tx> {
  /** The name of the library, for errors. */
  readonly library: string
  /**
   * Whether a connection that the server closes under a transaction is only an error of the transaction. Where it ends the
   * process, the server is not told to close those that lie idle for longer than their lease.
   */
  readonly survivesLoss: boolean
  /** Runs one statement, which commits by itself. Where nobody waits for it any more, its connection may go. */
  query(statement: Statement, values: readonly Value[], patience: Patience): Promise<readonly ResultRow[]>
  /** Runs text without parameters. */
  run(text: string): Promise<void>
  /**
   * Opens a transaction, its first statement riding with BEGIN where the client can. `lost`: its connection is gone.
   * Where nobody waits for the opening any more, its connection may go.
   */
  begin(
    isolation: Isolation | undefined,
    first: Statement,
    values: readonly Value[],
    lost: (error: unknown) => void,
    patience: Patience,
  ): Promise<OpenTransaction<Tx>>
  /** Listens on a channel; `undefined` where the library can't. */
  readonly listen:
    | ((channel: string, heard: (payload: string) => void, lost: () => void) => Promise<Listening>)
    | undefined
}
