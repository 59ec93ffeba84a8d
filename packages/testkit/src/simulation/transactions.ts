/**
 * The store's transactions. Nothing of them is in the records until COMMIT, where the library's own `settleAtOnce`
 * decides: the lock that an open transaction holds only saves double work.
 */

import type { BeginResult, CommitResult, Operation, Running, Terms, TransactionEnding } from 'reprise'
import type { Library } from './library.ts'
import type { Process } from './process.ts'
import type { StoreServer } from './store-server.ts'

/** What a handler writes inside its transaction: the witness sees it when it commits. */
export interface SimulatedTx {
  stage(effect: { readonly arrival: number }): void
}

export interface OpenTransaction {
  readonly operation: Operation
  readonly terms: Terms
  readonly process: Process
  readonly life: number
  readonly library: Library
  readonly running: Running
  readonly staged: { readonly arrival: number }[]
  readonly lost: () => void
  over: 'overdue' | 'failed' | 'ended' | undefined
  readonly tx: SimulatedTx
}

export type Opened =
  | { readonly kind: 'granted'; readonly open: OpenTransaction }
  | Extract<BeginResult<never>, { kind: 'found' }>

export class Transactions {
  readonly #store: StoreServer
  /** Who holds the lock of an id. */
  readonly #byId: Map<string, OpenTransaction> = new Map()
  readonly #open: Set<OpenTransaction> = new Set()

  constructor(store: StoreServer) {
    this.#store = store
  }

  begin(library: Library, process: Process, operation: Operation, terms: Terms, lost: () => void): Opened {
    const store = this.#store
    const stored = store.read(operation.id, library)
    const asked = library.engine.claim(stored, operation, terms, store.nowMs, store.fenceFloor)
    if (asked.kind === 'found') {
      if (asked.changed) store.put(asked.record)
      store.log('begin', operation.id, terms.attemptId, 0, undefined, 'found', asked.record)
      return asked
    }
    const holder = this.#byId.get(operation.id)
    if (holder !== undefined) {
      // An overtaken transaction may have bound the key to another payload: this one can't commit any more.
      const doomed = stored !== undefined && stored.fingerprint !== holder.operation.fingerprint
      if (!doomed && store.nowMs < holder.running.leaseUntilMs) return { kind: 'found', record: holder.running }
      this.#lapse(holder)
    }
    const open = this.#make(library, process, operation, terms, asked.record, lost)
    this.#byId.set(operation.id, open)
    this.#open.add(open)
    store.log('begin', operation.id, terms.attemptId, asked.record.fence, undefined, 'granted', undefined)
    return { kind: 'granted', open }
  }

  commit(open: OpenTransaction, ending: TransactionEnding): CommitResult {
    const store = this.#store
    const { world } = store
    if (open.over === undefined && store.nowMs >= open.running.leaseUntilMs) this.#lapse(open)
    if (open.over === 'overdue') world.count('an overdue transaction was stopped at COMMIT')
    if (open.over !== undefined) return { kind: 'rolled-back', why: open.over === 'overdue' ? 'overdue' : 'failed' }
    this.#end(open, 'ended')
    if (world.fault(world.weather.conflict)) {
      world.count('a transaction met a conflict')
      return { kind: 'rolled-back', why: 'conflict' }
    }
    const { library, operation, terms } = open
    const stored = store.read(operation.id, library)
    const settlement = ending.kind === 'released' ? ({ ...ending, proof: 'not-applied' } as const) : ending
    const { engine } = library
    const settled = engine.settleAtOnce(stored, operation, terms, settlement, store.nowMs, store.fenceFloor)
    if (settled.kind !== 'written') {
      world.count('a superseded transaction was stopped at COMMIT')
      store.log('commit', operation.id, terms.attemptId, 0, ending.kind, 'superseded', settled.record)
      return { kind: 'superseded', record: settled.record }
    }
    const { record } = settled
    if (stored?.state === 'completed' || stored?.state === 'expired') world.count('a forgotten key began a new life')
    store.put(record)
    store.log('commit', operation.id, terms.attemptId, record.fence, ending.kind, 'written', record)
    if (ending.kind === 'completed' && ending.effect === 'kept') {
      const by = { attempt: terms.attemptId, fence: record.fence }
      for (const { arrival } of open.staged) world.effect(store.nameOf(operation.id), arrival, by)
    }
    return { kind: 'committed', record }
  }

  /** The connections of a process that died are closed. */
  abandon(process: Process, life: number): void {
    for (const open of this.#open) if (open.process === process && open.life === life) this.#fail(open)
  }

  abandonAll(): void {
    for (const open of this.#open) this.#fail(open)
  }

  /** Whether a process has a transaction open in this life. */
  has(process: Process): boolean {
    for (const open of this.#open) if (open.process === process && open.life === process.life) return true
    return false
  }

  #make(
    library: Library,
    process: Process,
    operation: Operation,
    terms: Terms,
    running: Running,
    lost: () => void,
  ): OpenTransaction {
    const staged: { readonly arrival: number }[] = []
    const open: OpenTransaction = {
      operation,
      terms,
      process,
      life: process.life,
      library,
      running,
      staged,
      lost,
      over: undefined,
      tx: {
        stage(effect) {
          if (open.over !== undefined) throw new library.reprise.RepriseError('attempt-overdue', 'It was given up.')
          staged.push(effect)
        },
      },
    }
    return open
  }

  /** Its time is over: the lock is free, and where the store says so the transaction is rolled back. */
  #lapse(open: OpenTransaction): void {
    if (this.#byId.get(open.operation.id) === open) this.#byId.delete(open.operation.id)
    if (this.#store.world.weather.transactions === 'optimistic') return
    this.#end(open, 'overdue')
    this.#tell(open)
  }

  #fail(open: OpenTransaction): void {
    this.#end(open, 'failed')
    this.#tell(open)
  }

  #tell(open: OpenTransaction): void {
    this.#store.world.agenda.after(0, () => open.process.resume(open.life, open.lost))
  }

  #end(open: OpenTransaction, why: 'overdue' | 'failed' | 'ended'): void {
    open.over = why
    this.#open.delete(open)
    if (this.#byId.get(open.operation.id) === open) this.#byId.delete(open.operation.id)
  }
}
