/** Transactions of attempts: each has the writer's connection to itself for one turn, inside a savepoint. */

import type { Clock } from '../../engine/clock.ts'
import { RepriseError } from '../../engine/errors.ts'
import type { OperationRecord, Running } from '../../engine/record.ts'
import type { BeginResult, CommitResult, Transaction, TransactionEnding } from '../../engine/store.ts'
import { claim, type Ending, type Operation, settleAtOnce, type Terms } from '../../engine/transitions.ts'
import type { Watchers } from '../../engine/watchers.ts'
import { type DriverConnection, inTransaction } from './driver.ts'
import { unavailable } from './faults.ts'
import type { Located, Records } from './records.ts'
import { RevocableTx, type SqliteTx } from './tx.ts'
import type { Writer } from './writer.ts'

interface InFlight {
  readonly operation: Operation
  readonly terms: Terms
  readonly sinceMs: number
}

export class Turns {
  readonly #records: Records
  readonly #connection: DriverConnection
  readonly #writer: Writer
  readonly #clock: Clock
  readonly #file: string
  readonly #busyMs: number
  readonly #watchers: Watchers
  readonly #inFlight = new Map<string, InFlight>()

  constructor(
    records: Records,
    connection: DriverConnection,
    writer: Writer,
    clock: Clock,
    file: string,
    busyMs: number,
    watchers: Watchers,
  ) {
    this.#records = records
    this.#connection = connection
    this.#writer = writer
    this.#clock = clock
    this.#file = file
    this.#busyMs = busyMs
    this.#watchers = watchers
  }

  /** The running record that stands for an attempt of this process that has not been committed yet. */
  inFlight(id: string): Running | undefined {
    const found = this.#inFlight.get(id)
    if (found === undefined) return undefined
    const claimed = claim(undefined, found.operation, found.terms, found.sinceMs, 0)
    return claimed.kind === 'granted' ? claimed.record : undefined
  }

  take(operation: Operation, terms: Terms, lost: () => void): Promise<BeginResult<SqliteTx>> {
    const { id } = operation
    const mine: InFlight = { operation, terms, sinceMs: this.#clock.now() }
    this.#inFlight.set(id, mine)
    const over = (): void => {
      if (this.#inFlight.get(id) === mine) this.#inFlight.delete(id)
      this.#watchers.wake(id)
    }
    return new Promise((resolve, reject) => {
      let found: OperationRecord | undefined
      let refused: RepriseError | undefined
      let turn: Turn | undefined
      this.#writer.enqueue({
        kind: operation.name,
        waitUntilMs: this.#clock.monotonic() + this.#busyMs,
        run: () => {
          try {
            const stored = this.#records.locate(id)
            const claimed = claim(stored?.record, operation, terms, this.#clock.now(), this.#records.fenceFloor)
            if (claimed.kind === 'found') {
              found = claimed.record
              if (claimed.changed) this.#records.put(claimed.record, stored)
              return undefined
            }
            const made = new Turn(
              this.#records,
              this.#connection,
              this.#writer,
              this.#clock,
              operation,
              terms,
              stored,
              () => {
                // What it left is free from now on, although its group has yet to commit.
                over()
                lost()
              },
            )
            made.begin()
            turn = made
            resolve({ kind: 'granted', transaction: made.granted(claimed.record) })
            return made.ended
          } catch (error) {
            refused = unavailable(this.#file, error)
            return undefined
          }
        },
        committed: () => {
          over()
          if (turn !== undefined) turn.committed()
          else if (found !== undefined) resolve({ kind: 'found', record: found })
          else reject(refused ?? new RepriseError('store-unavailable', `The file ${this.#file} gave no turn.`))
        },
        failed: (error) => {
          over()
          if (turn === undefined) reject(error)
          else turn.failed(error)
        },
        uncertain: (error) => {
          over()
          if (turn === undefined) reject(refused ?? error)
          else turn.uncertain(error)
        },
        unsynced: (error) => {
          over()
          if (turn === undefined) reject(error)
          else turn.unsynced(error)
        },
      })
    })
  }
}

/** One attempt's time with the connection. Ends by its own `end`, or overdue by the writer. */
class Turn {
  readonly #records: Records
  readonly #connection: DriverConnection
  readonly #writer: Writer
  readonly #clock: Clock
  readonly #operation: Operation
  readonly #terms: Terms
  readonly #stored: Located | undefined
  readonly #lost: () => void
  readonly #tx: RevocableTx
  #release: () => void = () => undefined
  /** Resolves when the connection is free for the next. */
  readonly ended: Promise<void>
  #result: CommitResult | undefined
  #answer: { resolve(result: CommitResult): void; reject(error: unknown): void } | undefined

  constructor(
    records: Records,
    connection: DriverConnection,
    writer: Writer,
    clock: Clock,
    operation: Operation,
    terms: Terms,
    stored: Located | undefined,
    lost: () => void,
  ) {
    this.#records = records
    this.#connection = connection
    this.#writer = writer
    this.#clock = clock
    this.#operation = operation
    this.#terms = terms
    this.#stored = stored
    this.#lost = lost
    this.#tx = new RevocableTx(records.statements)
    this.ended = new Promise((resolve) => {
      this.#release = resolve
    })
  }

  begin(): void {
    this.#connection.exec('savepoint attempt')
    this.#writer.limit(this.#clock.monotonic() + this.#terms.leaseMs, () => this.#giveUp())
  }

  granted(record: Running): Transaction<SqliteTx> {
    return {
      tx: this.#tx,
      fence: record.fence,
      number: record.attempts,
      end: (ending) => this.#end(ending),
    }
  }

  #end(ending: TransactionEnding): Promise<CommitResult> {
    if (this.#result !== undefined) return Promise.resolve(this.#result)
    this.#tx.revoke()
    try {
      this.#result = this.#record(ending)
    } catch (error) {
      this.#result = { kind: 'rolled-back', why: 'failed', error: this.#undo(error) }
    }
    this.#release()
    if (this.#result.kind !== 'committed') return Promise.resolve(this.#result)
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject }
    })
  }

  #record(ending: TransactionEnding): CommitResult {
    if (!inTransaction(this.#connection)) {
      throw new RepriseError('transaction-broken', 'The handler, or an error of the file, ended the transaction.')
    }
    if (ending.kind === 'released' || ending.effect === 'undone') this.#connection.exec('rollback to attempt')
    const stored: Exclude<Ending, { kind: 'unknown' }> =
      ending.kind === 'released' ? { ...ending, proof: 'not-applied' } : ending
    const nowMs = this.#clock.now()
    const written = settleAtOnce(
      this.#stored?.record,
      this.#operation,
      this.#terms,
      stored,
      nowMs,
      this.#records.fenceFloor,
    )
    if (written.kind !== 'written') {
      this.#connection.exec('rollback to attempt')
      this.#connection.exec('release attempt')
      return { kind: 'superseded', record: written.record }
    }
    this.#records.put(written.record, this.#stored)
    this.#connection.exec('release attempt')
    return { kind: 'committed', record: written.record }
  }

  /** Rolls back to where the turn began; if that is gone, the whole group is. */
  #undo(error: unknown): unknown {
    try {
      this.#connection.exec('rollback to attempt')
      this.#connection.exec('release attempt')
    } catch {
      this.#writer.abandonGroup(error)
    }
    return error
  }

  #giveUp(): void {
    if (this.#result !== undefined) return
    this.#tx.revoke()
    this.#result = { kind: 'rolled-back', why: 'overdue' }
    this.#undo(undefined)
    this.#release()
    this.#lost()
  }

  /** The group that held this turn is durable. */
  committed(): void {
    if (this.#result !== undefined) this.#answer?.resolve(this.#result)
  }

  failed(error: RepriseError): void {
    this.#result = { kind: 'rolled-back', why: 'failed', error }
    this.#answer?.resolve(this.#result)
  }

  /** Committed, but nobody can say for how long. */
  unsynced(error: RepriseError): void {
    this.#answer?.reject(error)
  }

  /** The commit of the group answered with an error: the row says whether this turn stands. */
  uncertain(error: RepriseError): void {
    const result = this.#result
    if (result?.kind !== 'committed') return
    try {
      const stored = this.#records.find(this.#operation.id)
      const mine = stored?.attemptId === this.#terms.attemptId && stored.state === result.record.state
      this.#answer?.resolve(mine ? result : { kind: 'rolled-back', why: 'failed', error })
    } catch {
      // The file can't be asked now: whoever waits asks it again, or says that it can't tell.
      this.#answer?.reject(error)
    }
  }
}
