/**
 * Attempts inside transactions. Nothing is written before the effect: two advisory locks say that the operation is in
 * flight, and the completed row is inserted with COMMIT. Its primary key is the guard: whatever the locks or the snapshot
 * missed, the second transaction fails at its end, and nothing of it stands.
 */

import type { Clock } from '../../engine/clock.ts'
import { isRepriseError, RepriseError } from '../../engine/errors.ts'
import type { OperationRecord, Running } from '../../engine/record.ts'
import type { BeginResult, CommitResult, Transaction, TransactionEnding } from '../../engine/store.ts'
import type { Ending, Operation, Terms } from '../../engine/transitions.ts'
import * as transitions from '../../engine/transitions.ts'
import { decodeRow, type Row } from '../rows/codec.ts'
import { fenceFloor } from '../rows/row-store.ts'
import { type Written, written } from '../rows/rows.ts'
import type { Steps } from '../rows/steps.ts'
import type { StoreTime } from '../rows/store-time.ts'
import type { Isolation, OpenTransaction, PostgresClient } from './client.ts'
import { conflict, isConflict, mayBeOvertaken, saysAborted, unavailable } from './faults.ts'
import { halves, locksOf } from './ids.ts'
import { InFlight } from './in-flight.ts'
import { within } from './patience.ts'
import { answered, rowOf } from './rows.ts'
import type { Statements } from './schema.ts'
import { bytea, utf8 } from './statement.ts'

export interface TransactionParts<Tx> {
  readonly client: PostgresClient<Tx>
  readonly statements: Statements
  readonly steps: Steps
  readonly time: StoreTime
  readonly clock: Clock
  readonly isolation: Isolation | undefined
  /** How long a connection, or an answer, is waited for. */
  readonly busyMs: number
  /** The record of an id has changed to this, or a transaction of it has ended without. */
  readonly concluded: (id: string, to: Written | undefined) => void
}

/** How much longer than this process the server waits for a handler: it is there for processes that stand still. */
const graceMs = 1000

/** Everything about one transaction that does not change while it runs. */
interface Undertaking<Tx> {
  readonly operation: Operation
  readonly terms: Terms
  readonly open: OpenTransaction<Tx>
  readonly found: Row | undefined
  readonly running: Running
}

export class Transactions<Tx> {
  readonly #parts: TransactionParts<Tx>
  readonly #inFlight = new InFlight()
  /** Attempts of this process that ask the server at this moment, by the id of their operation. */
  readonly #opening = new Map<string, { readonly fingerprint: string; readonly result: Promise<BeginResult<Tx>> }>()

  constructor(parts: TransactionParts<Tx>) {
    this.#parts = parts
  }

  async begin(operation: Operation, terms: Terms, lost: () => void): Promise<BeginResult<Tx>> {
    const { id } = operation
    for (;;) {
      // Its first attempt is under way in this process: told at once.
      const here = this.#inFlight.running(id)
      if (here !== undefined) return { kind: 'found', record: here }
      // Those that arrive together ask the server once.
      const opening = this.#opening.get(id)
      if (opening === undefined) break
      const result = await opening.result
      // That the locks are held for another request was found out by comparing with the fingerprint of the one that asked.
      const same = opening.fingerprint === operation.fingerprint
      if (result.kind === 'found' && (same || result.record.fingerprint !== elsewhere)) return result
    }
    const result = this.#open(operation, terms, lost)
    this.#opening.set(id, { fingerprint: operation.fingerprint, result })
    try {
      return await result
    } finally {
      this.#opening.delete(id)
    }
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#opening.size > 0) await Promise.allSettled([...this.#opening.values()].map(({ result }) => result))
    await this.#inFlight.idle()
  }

  async #open(operation: Operation, terms: Terms, lost: () => void): Promise<BeginResult<Tx>> {
    const { time, steps } = this.#parts
    await this.#inFlight.cleared(operation.id)
    const opening = new Opening()
    let open: OpenTransaction<Tx>
    try {
      open = await this.#connect(operation, terms, opening)
    } catch (error) {
      throw unavailable(error)
    }
    try {
      const first = answered(open.rows[0])
      const met = Number(first.met)
      const found = first.record == null ? undefined : rowOf(first, operation.id)
      const stored = found === undefined ? undefined : decodeRow(found)
      if (met === 1 || met === 2) {
        this.#leave(operation.id, open)
        return { kind: 'found', record: await this.#met(operation, terms, stored, met === 1) }
      }
      const nowMs = time.now()
      const claimed = transitions.claim(stored, operation, terms, nowMs, fenceFloor(nowMs))
      if (claimed.kind === 'granted' && (stored?.state !== 'running' || stored.attemptId !== terms.attemptId)) {
        const work = { operation, terms, open, found, running: claimed.record }
        this.#inFlight.add(claimed.record)
        return { kind: 'granted', transaction: new PostgresTransaction(this, this.#parts, work, opening, lost) }
      }
      this.#leave(operation.id, open)
      if (claimed.kind === 'found' && claimed.changed) {
        const record = await steps.run(operation.id, (now, nowMs) => {
          const result = transitions.claim(now, operation, terms, nowMs, fenceFloor(nowMs))
          if (result.kind === 'granted') return { result: claimed.record }
          return { result: result.record, next: result.changed ? result.record : undefined }
        })
        return { kind: 'found', record }
      }
      return { kind: 'found', record: claimed.record }
    } catch (error) {
      open.destroy()
      throw error
    }
  }

  /**
   * What an attempt has met that did not get the locks. Their holder may be no more than another look, so what a record says
   * goes first: a retry of what has long been completed is neither in progress nor a mismatch.
   */
  async #met(
    operation: Operation,
    terms: Terms,
    stored: OperationRecord | undefined,
    same: boolean,
  ): Promise<OperationRecord> {
    const { time, steps } = this.#parts
    let record = transitions.asOf(stored, time.now())
    // A mismatch is final. It is not told on the word of a snapshot that may be older than the locks.
    if (record === undefined && !same) {
      record = await steps.run(operation.id, (now, nowMs) => ({ result: transitions.asOf(now, nowMs) }))
    }
    const nowMs = time.now()
    if (record === undefined) return runningElsewhere(operation, terms, same, nowMs)
    // Its key is bound to this very request, whoever holds the locks.
    return record.state === 'released' && record.fingerprint === operation.fingerprint
      ? runningElsewhere(operation, terms, true, nowMs)
      : record
  }

  /** A connection with a transaction on it, or an error when there is none in time. */
  #connect(operation: Operation, terms: Terms, opening: Opening): Promise<OpenTransaction<Tx>> {
    const { client, statements, isolation, busyMs } = this.#parts
    const locks = locksOf(operation.id, operation.fingerprint)
    const idleMs = client.survivesLoss ? Math.ceil(terms.leaseMs) + graceMs : null
    const values = [locks.same, locks.any, halves(operation.id).first, idleMs]
    return within(
      busyMs,
      (patience) => client.begin(isolation, statements.look, values, (error) => opening.lose(error), patience),
      (late) => late.rollback(),
    )
  }

  /** Gives a transaction back in which nothing was done; nobody waits for that but the next of the same id. */
  #leave(id: string, open: OpenTransaction<Tx>): void {
    this.#inFlight.remove({ id } as Running, leaveWithin(this.#parts.busyMs, open))
  }

  /** A transaction is over; `leaving` is what is still done about its connection. */
  over(running: Running, leaving?: Promise<void>): void {
    this.#inFlight.remove(running, leaving)
  }
}

/** Rolls back. A server that does not answer to that loses the connection, and rolls back by itself. */
async function leaveWithin<Tx>(ms: number, open: OpenTransaction<Tx>): Promise<void> {
  try {
    await within(ms, () => open.rollback())
  } catch {
    open.destroy()
  }
}

/** Stands for a fingerprint that is not known: another process holds the operation, for another request. */
const elsewhere = 'elsewhere'

/** The record that stands for a transaction of another process, of which only its locks are known. */
function runningElsewhere(operation: Operation, terms: Terms, same: boolean, nowMs: number): OperationRecord {
  const seen = same ? operation : { ...operation, fingerprint: elsewhere }
  const { record } = transitions.claim(undefined, seen, terms, nowMs, fenceFloor(nowMs))
  return { ...record, attemptId: '' }
}

/** Where the loss of a connection is noticed, before and after there is a transaction to tell. */
class Opening {
  error: unknown
  #tell: ((error: unknown) => void) | undefined

  lose(error: unknown): void {
    this.error ??= error ?? new Error('The connection was lost.')
    this.#tell?.(this.error)
  }

  onLoss(tell: (error: unknown) => void): void {
    this.#tell = tell
    if (this.error !== undefined) tell(this.error)
  }
}

type Known = Exclude<Ending, { kind: 'unknown' }>

/** Why a transaction was given up under its handler. */
type GivenUp = { readonly why: 'overdue' } | { readonly why: 'failed'; readonly error: unknown }

class PostgresTransaction<Tx> implements Transaction<Tx> {
  readonly #transactions: Transactions<Tx>
  readonly #parts: TransactionParts<Tx>
  readonly #work: Undertaking<Tx>
  readonly #disarm: () => void
  readonly #lost: () => void
  #givenUp: GivenUp | undefined
  #ended = false

  constructor(
    transactions: Transactions<Tx>,
    parts: TransactionParts<Tx>,
    work: Undertaking<Tx>,
    opening: Opening,
    lost: () => void,
  ) {
    this.#transactions = transactions
    this.#parts = parts
    this.#work = work
    this.#lost = lost
    this.#disarm = parts.clock.after(work.terms.leaseMs, () => this.#giveUp({ why: 'overdue' }), 'background')
    opening.onLoss((error) => this.#giveUp({ why: 'failed', error: unavailable(error) }))
  }

  get tx(): Tx {
    return this.#work.open.tx
  }

  get fence(): number {
    return this.#work.running.fence
  }

  get number(): number {
    return this.#work.running.attempts
  }

  async end(ending: TransactionEnding): Promise<CommitResult> {
    if (this.#ended) throw new RepriseError('transaction-ended', 'A transaction is ended once.')
    const overdue = this.#parts.time.now() >= this.#work.running.leaseUntilMs
    if (overdue) this.#giveUp({ why: 'overdue' })
    this.#ended = true
    this.#disarm()
    if (this.#givenUp !== undefined) return { kind: 'rolled-back', ...this.#givenUp }
    const { open, operation, running } = this.#work
    open.revoke(() => new RepriseError('transaction-ended', `The transaction of "${operation.name}" has ended.`))
    let to: Written | undefined
    try {
      const result = await this.#conclude(ending)
      to = result.kind === 'committed' ? written(result.record) : undefined
      return result
    } finally {
      this.#transactions.over(running)
      this.#parts.concluded(operation.id, to)
    }
  }

  #conclude(ending: TransactionEnding): Promise<CommitResult> {
    if (ending.kind === 'released') return this.#undo({ ...ending, proof: 'not-applied' })
    return ending.effect === 'kept' ? this.#commit(ending) : this.#undo(ending)
  }

  /** The row of the outcome, and COMMIT, in one message. */
  async #commit(ending: Known): Promise<CommitResult> {
    const { statements, time } = this.#parts
    const { operation, terms, open, found } = this.#work
    const stored = found === undefined ? undefined : decodeRow(found)
    const nowMs = time.now()
    const settled = transitions.settleAtOnce(stored, operation, terms, ending, nowMs, fenceFloor(nowMs))
    if (settled.kind !== 'written') {
      await open.rollback()
      return { kind: 'superseded', record: settled.record }
    }
    const { record, body, dueAtMs = null } = written(settled.record)
    const { first, rest } = halves(operation.id)
    const row = [dueAtMs, utf8(record), bytea(body)]
    try {
      await within(terms.leaseMs, () =>
        found === undefined
          ? open.commit(statements.insert, [first, rest, ...row])
          : open.commit(statements.replace, [first, utf8(found.record), ...row]),
      )
    } catch (error) {
      if (mayBeOvertaken(error)) {
        // A constraint of the application, checked at COMMIT, says the same: what stands tells them apart.
        const record = await this.#standing()
        if (record !== undefined) return { kind: 'superseded', record }
      }
      if (isConflict(error)) return { kind: 'rolled-back', why: 'conflict', error: conflict(error) }
      if (saysAborted(error)) return { kind: 'rolled-back', why: 'failed', error: unavailable(error) }
      // Nobody knows. A server that did not answer may still be at it.
      if (isRepriseError(error)) open.destroy()
      throw unavailable(error)
    }
    return { kind: 'committed', record: settled.record }
  }

  /** Undoes the effect; what is remembered of the attempt is then written by itself, unless another has been faster. */
  async #undo(ending: Known): Promise<CommitResult> {
    const { steps, busyMs } = this.#parts
    const { operation, terms, open } = this.#work
    await leaveWithin(busyMs, open)
    return steps.run<CommitResult>(operation.id, (stored, nowMs) => {
      // Its own answer may have been lost. What time has made of the row is asked first: ids of attempts can come again.
      const own = transitions.asOf(stored, nowMs)
      if (own?.attemptId === terms.attemptId) return { result: { kind: 'committed', record: own } }
      const settled = transitions.settleAtOnce(stored, operation, terms, ending, nowMs, fenceFloor(nowMs))
      if (settled.kind !== 'written') return { result: { kind: 'superseded', record: settled.record } }
      return { result: { kind: 'committed', record: settled.record }, next: settled.record }
    })
  }

  /** What stands instead of this attempt. */
  #standing(): Promise<OperationRecord | undefined> {
    return this.#parts.steps.run(this.#work.operation.id, (stored, nowMs) => ({
      result: transitions.asOf(stored, nowMs),
    }))
  }

  #giveUp(why: GivenUp): void {
    if (this.#ended || this.#givenUp !== undefined) return
    this.#givenUp = why
    this.#disarm()
    const { open, operation, terms, running } = this.#work
    open.revoke(() =>
      why.why === 'overdue'
        ? new RepriseError(
            'attempt-overdue',
            `The transaction of "${operation.name}" took longer than its ${terms.leaseMs} ms.`,
          )
        : new RepriseError('transaction-ended', `The connection of "${operation.name}" was lost.`),
    )
    let leaving: Promise<void> | undefined
    if (why.why === 'failed') open.destroy()
    // Unless a statement of the handler keeps the connection busy: then it is closed.
    else leaving = leaveWithin(this.#parts.busyMs, open)
    this.#transactions.over(running, leaving)
    this.#parts.concluded(operation.id, undefined)
    this.#lost()
  }
}
