/** One attempt's transaction, from the grant to its end. */

import type { Clock } from '../../engine/clock.ts'
import { RepriseError } from '../../engine/errors.ts'
import type { OperationRecord, Running } from '../../engine/record.ts'
import type { CommitResult, TransactionEnding } from '../../engine/store.ts'
import { asOf, type Operation, settleAtOnce, type Terms } from '../../engine/transitions.ts'
import { decodeRow, type Row } from '../rows/codec.ts'
import { fenceFloor } from '../rows/row-store.ts'
import { written } from '../rows/rows.ts'
import { errno, isConflict, serverErrno, unavailable } from './faults.ts'
import { confirmMark, undoToMark } from './opening.ts'
import { countOf, plainly, rowsOf, type Session, type SqlRow, type Statement } from './session.ts'
import { newMark, rowOf, type Table } from './table.ts'
import { RevocableTx } from './tx.ts'

export interface Circumstances {
  readonly session: Session
  readonly table: Table
  readonly operation: Operation
  readonly terms: Terms
  /** What the row said when the transaction began. */
  readonly row: Row | undefined
  /** The record that stands for the attempt while it runs. */
  readonly running: Running
  readonly farewell: readonly Statement[]
  readonly timeoutRollsBack: boolean
  readonly clock: Clock
  /** The store's time. */
  readonly now: () => number
  /** Called once when the attempt is given up under its handler. */
  readonly lost: () => void
  /** Ends the connection on the server, too: it is in the middle of a statement, which is told why. */
  readonly kill: (why: RepriseError) => Promise<void>
  /** The handler has ended the transaction by itself: what it did stands, and nobody can undo it. */
  readonly broken: () => Promise<void>
}

const overdue: CommitResult = { kind: 'rolled-back', why: 'overdue' }
/** How often an outcome without effect is written over a record that is changing. */
const triesMax = 5

export class Undertaking {
  readonly tx: RevocableTx
  /** Resolves when nothing of it is left: no lock, no open transaction. */
  readonly over: Promise<void>
  readonly #here: Circumstances
  /** The farewell of a connection whose attempt has been answered already. */
  #parting: Promise<void> = Promise.resolve()
  readonly #cancel: () => void
  readonly #untilMs: number
  #stage: 'open' | 'ending' | 'ended' | 'given-up' | 'lost' = 'open'
  #asked = false
  #finish: () => void = () => undefined

  constructor(here: Circumstances) {
    this.#here = here
    this.tx = new RevocableTx(here.session, here.timeoutRollsBack)
    this.over = new Promise((resolve) => {
      this.#finish = resolve
    })
    const { leaseMs } = here.terms
    this.#untilMs = here.clock.monotonic() + leaseMs
    this.#cancel = here.clock.after(leaseMs, () => this.#tooLate(), 'background')
    here.session.whenLost((error) => this.#lose(error))
  }

  get granted(): Running {
    return this.#here.running
  }

  /** The record that stands for it, until it has ended or is given up. */
  get running(): Running | undefined {
    if (this.#stage === 'open' && this.#isLate) this.#tooLate()
    return this.#stage === 'open' || this.#stage === 'ending' ? this.#here.running : undefined
  }

  async end(ending: TransactionEnding): Promise<CommitResult> {
    if (this.#asked) throw new RepriseError('transaction-ended', 'A transaction is ended once.')
    this.#asked = true
    const { name } = this.#here.operation
    this.tx.refuse(() => new RepriseError('transaction-ended', `The attempt of "${name}" has ended.`))
    if (this.#stage === 'open' && this.#isLate) this.#tooLate()
    // What the handler has not awaited is on its way already; it counts, or the lease ends it.
    if (this.#stage === 'open') await Promise.race([this.tx.quiet(), this.over])
    if (this.#stage === 'given-up') return overdue
    if (this.#stage === 'lost') return failed(this.#here.session.lost)
    this.#stage = 'ending'
    try {
      return await this.#end(ending)
    } catch (error) {
      this.#here.session.discard(error)
      throw unavailable(error)
    } finally {
      this.#stage = 'ended'
      this.#cancel()
      void this.#parting.finally(this.#finish)
    }
  }

  get #isLate(): boolean {
    return this.#here.clock.monotonic() >= this.#untilMs
  }

  async #end(ending: TransactionEnding): Promise<CommitResult> {
    const conflict = this.tx.doomed ?? (ending.kind === 'released' ? this.tx.conflict : undefined)
    if (conflict !== undefined) {
      await this.#leave()
      return { kind: 'rolled-back', why: 'conflict', error: conflict }
    }
    return ending.kind === 'completed' && ending.effect === 'kept' ? this.#keep(ending) : this.#undo(ending)
  }

  /** The record goes in, and all of it is committed. */
  async #keep(ending: TransactionEnding): Promise<CommitResult> {
    const { session, table, operation, row, farewell } = this.#here
    const settled = this.#settled(ending, row)
    if (settled.kind !== 'written') {
      await this.#leave()
      return { kind: 'superseded', record: settled.record }
    }
    const committed: CommitResult = { kind: 'committed', record: settled.record }
    const to = written(settled.record)
    try {
      if (row === undefined) {
        const insert = plainly(table.insert([{ id: operation.id, to }], newMark()))
        await this.#last([confirmMark, insert, plainly('commit')])
        return committed
      }
      const [made] = await session.together([
        confirmMark,
        countOf(table.update({ id: operation.id, from: row.record, to }, newMark())),
      ])
      if (made === 1) {
        await this.#last([plainly('commit')])
        return committed
      }
    } catch (error) {
      return await this.#afterError(error, committed)
    }
    const record = await this.#foundAfterRollback()
    await session.leave(farewell)
    return { kind: 'superseded', record: asOf(record, this.#here.now()) }
  }

  /** Nothing of the effect stays; the record is written all the same, over whatever is there by then. */
  async #undo(ending: TransactionEnding): Promise<CommitResult> {
    const { session, table, operation, now } = this.#here
    let { row } = this.#here
    let before = undoToMark
    for (let tries = 1; tries <= triesMax; tries++) {
      const settled = this.#settled(ending, row)
      if (settled.kind !== 'written') {
        await this.#leave()
        return { kind: 'superseded', record: settled.record }
      }
      const to = written(settled.record)
      try {
        if (row === undefined) {
          await this.#last([before, plainly(table.insert([{ id: operation.id, to }], newMark())), plainly('commit')])
          return { kind: 'committed', record: settled.record }
        }
        const update = countOf(table.update({ id: operation.id, from: row.record, to }, newMark()))
        const [made] = await session.together([before, update])
        if (made === 1) {
          await this.#last([plainly('commit')])
          return { kind: 'committed', record: settled.record }
        }
      } catch (error) {
        if (serverErrno(error) !== errno.duplicate) {
          return await this.#afterError(error, { kind: 'committed', record: settled.record })
        }
      }
      before = plainly('start transaction')
      row = await this.#rowAfterRollback()
    }
    await this.#leave()
    return { kind: 'superseded', record: row === undefined ? undefined : asOf(decodeRow(row), now()) }
  }

  #settled(ending: TransactionEnding, row: Row | undefined): ReturnType<typeof settleAtOnce> {
    const { operation, terms, running, now } = this.#here
    const settlement = ending.kind === 'released' ? { ...ending, proof: 'not-applied' as const } : ending
    const stored = row === undefined ? undefined : decodeRow(row)
    // The floor of the beginning, so that the record has the fence that the handler was told.
    return settleAtOnce(stored, operation, terms, settlement, now(), fenceFloor(running.claimedAtMs))
  }

  /**
   * The server has answered the last statements with an error. Whether they were committed all the same is asked on this
   * very connection, which does one thing after the other.
   */
  async #afterError(error: unknown, committed: CommitResult & { kind: 'committed' }): Promise<CommitResult> {
    const { session, farewell, now } = this.#here
    if (session.lost !== undefined) throw error
    if (serverErrno(error) === errno.noSuchSavepoint) {
      await this.#leave()
      await this.#here.broken()
      const what = `A statement of "${this.#here.operation.name}" has ended the transaction of its attempt.`
      throw new RepriseError('transaction-broken', what, { cause: error })
    }
    const record = await this.#foundAfterRollback()
    await session.leave(farewell)
    if (record?.attemptId === committed.record.attemptId && record.state === committed.record.state) return committed
    if (serverErrno(error) === errno.duplicate) return { kind: 'superseded', record: asOf(record, now()) }
    if (isConflict(error)) return { kind: 'rolled-back', why: 'conflict', error }
    return failed(error)
  }

  async #foundAfterRollback(): Promise<OperationRecord | undefined> {
    const row = await this.#rowAfterRollback()
    return row === undefined ? undefined : decodeRow(row)
  }

  async #rowAfterRollback(): Promise<Row | undefined> {
    const { session, table, operation } = this.#here
    const [[found]] = (await session.together([plainly('rollback'), rowsOf(table.look([operation.id]))])) as [SqlRow[]]
    return found === undefined ? undefined : rowOf(found, operation.id)
  }

  /** The last statements, after which the attempt is answered; in MariaDB the farewell rides with them. */
  async #last(statements: readonly Statement[]): Promise<void> {
    const { session, farewell } = this.#here
    if (session.compound) {
      await session.together([...statements, ...farewell])
      session.release()
      return
    }
    await session.together(statements)
    this.#parting = session.leave(farewell)
  }

  async #leave(): Promise<void> {
    const { session, farewell } = this.#here
    await session.leave([plainly('rollback'), ...farewell])
  }

  /** The lease is over. Whoever is in the middle of a commit is told that nobody can say. */
  #tooLate(): void {
    const { session, operation, terms } = this.#here
    if (this.#stage === 'ending') session.discard(new Error('The server has not answered within the lease.'))
    if (this.#stage !== 'open') return
    this.#stage = 'given-up'
    const took = `The transaction of "${operation.name}" took longer than its ${terms.leaseMs} ms.`
    const why = (): RepriseError => new RepriseError('attempt-overdue', took)
    this.tx.refuse(why)
    this.#cancel()
    // A connection in the middle of a statement hears nothing: it is ended from outside.
    const ended = this.tx.busy ? this.#here.kill(why()) : this.#leave()
    void ended.finally(this.#finish)
    this.#here.lost()
  }

  #lose(error: unknown): void {
    if (this.#stage !== 'open') return
    this.#stage = 'lost'
    this.#cancel()
    this.tx.refuse(
      () => new RepriseError('store-unavailable', 'The connection of the transaction was lost.', { cause: error }),
    )
    this.#here.session.discard(error)
    this.#finish()
    this.#here.lost()
  }
}

function failed(error: unknown): CommitResult {
  return { kind: 'rolled-back', why: 'failed', error: unavailable(error) }
}
