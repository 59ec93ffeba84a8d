/**
 * The transactions that are under way. Nothing of them is in the records: a running record stands for each, so that
 * another arrival of its operation is told what it meets. One timer serves them all.
 */

import type { Clock } from '../../engine/clock.ts'
import { RepriseError } from '../../engine/errors.ts'
import type { Running } from '../../engine/record.ts'
import type { CommitResult, Transaction, TransactionEnding } from '../../engine/store.ts'
import type { Operation, Terms } from '../../engine/transitions.ts'
import type { Watchers } from '../../engine/watchers.ts'
import type { MemoryTx, StagedData } from './staged-data.ts'

/** What a transaction is made of. */
export interface Undertaking {
  readonly operation: Operation
  readonly terms: Terms
  /** The record that stands for it, with the lease after which it is given up. */
  readonly running: Running
  readonly data: StagedData
  readonly lost: () => void
}

export class InFlight {
  readonly #clock: Clock
  readonly #watchers: Watchers
  readonly #byId = new Map<string, MemoryTransaction>()
  readonly #commit: (work: Undertaking, ending: TransactionEnding) => CommitResult
  readonly #idle: (() => void)[] = []
  /** When the timer fires; never after the earliest lease. */
  #alarmAtMs = Number.POSITIVE_INFINITY
  #disarm: () => void = () => undefined

  /** `commit` ends a transaction that is not overdue. */
  constructor(
    clock: Clock,
    watchers: Watchers,
    commit: (work: Undertaking, ending: TransactionEnding) => CommitResult,
  ) {
    this.#clock = clock
    this.#watchers = watchers
    this.#commit = commit
  }

  get size(): number {
    return this.#byId.size
  }

  /** The record that stands for the transaction of an id, if there is one that is not overdue. */
  running(id: string, nowMs: number): Running | undefined {
    const transaction = this.#byId.get(id)
    if (transaction === undefined) return undefined
    const { running } = transaction.work
    if (nowMs < running.leaseUntilMs) return running
    this.#giveUp(transaction)
    return undefined
  }

  add(work: Undertaking, nowMs: number): Transaction<MemoryTx> {
    const transaction: MemoryTransaction = new MemoryTransaction(work, (ending) => this.#end(transaction, ending))
    this.#byId.set(work.operation.id, transaction)
    if (work.running.leaseUntilMs < this.#alarmAtMs) this.#arm(work.running.leaseUntilMs, nowMs)
    return transaction
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    if (this.#byId.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
    this.#disarm()
  }

  #end(transaction: MemoryTransaction, ending: TransactionEnding): CommitResult {
    const { work } = transaction
    if (this.#clock.now() >= work.running.leaseUntilMs) this.#giveUp(transaction)
    if (transaction.overdue) return { kind: 'rolled-back', why: 'overdue' }
    this.#remove(transaction)
    work.data.refuse(
      () => new RepriseError('transaction-ended', `The transaction of "${work.operation.name}" has ended.`),
    )
    return this.#commit(work, ending)
  }

  #giveUp(transaction: MemoryTransaction): void {
    if (transaction.overdue) return
    transaction.overdue = true
    this.#remove(transaction)
    const { work } = transaction
    const took = `The transaction of "${work.operation.name}" took longer than its ${work.terms.leaseMs} ms.`
    work.data.refuse(() => new RepriseError('attempt-overdue', took))
    work.lost()
  }

  #remove({ work }: MemoryTransaction): void {
    this.#byId.delete(work.operation.id)
    // Who is woken looks only after the transaction has ended: all of this happens in one turn.
    this.#watchers.wake(work.operation.id)
    if (this.#byId.size === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  // The timer is left to fire when the last transaction ends: to set and clear one for each costs more than the
  // transaction itself.
  #arm(atMs: number, nowMs: number): void {
    this.#disarm()
    this.#alarmAtMs = atMs
    this.#disarm = this.#clock.after(Math.max(1, atMs - nowMs), () => this.#ring(), 'background')
  }

  #ring(): void {
    this.#alarmAtMs = Number.POSITIVE_INFINITY
    const nowMs = this.#clock.now()
    let nextMs = Number.POSITIVE_INFINITY
    for (const transaction of this.#byId.values()) {
      const { leaseUntilMs } = transaction.work.running
      if (nowMs >= leaseUntilMs) this.#giveUp(transaction)
      else nextMs = Math.min(nextMs, leaseUntilMs)
    }
    if (nextMs < this.#alarmAtMs) this.#arm(nextMs, nowMs)
  }
}

class MemoryTransaction implements Transaction<MemoryTx> {
  readonly work: Undertaking
  overdue = false
  #ended = false
  readonly #end: (ending: TransactionEnding) => CommitResult

  constructor(work: Undertaking, end: (ending: TransactionEnding) => CommitResult) {
    this.work = work
    this.#end = end
  }

  get tx(): MemoryTx {
    return this.work.data
  }

  get fence(): number {
    return this.work.running.fence
  }

  get number(): number {
    return this.work.running.attempts
  }

  async end(ending: TransactionEnding): Promise<CommitResult> {
    if (this.#ended) throw new RepriseError('transaction-ended', 'A transaction is ended once.')
    this.#ended = true
    return this.#end(ending)
  }
}
