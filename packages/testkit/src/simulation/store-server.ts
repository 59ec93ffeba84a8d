/**
 * The store itself: records under a clock of its own, changed by the library's own transitions one at a time. It is what
 * a real store promises to be, and no better: it may stand still, die, lose what it had acknowledged where its class
 * says so, and apply whatever comes out of the network, however late.
 *
 * It also writes the log of the history, since a store's log is what shows who changed a record, and when.
 */

import type { Claim, ClaimResult, Ending, Operation, OperationRecord, Swept, Terms, WriteResult } from 'reprise'
import type { RecordFacts, Step, Write } from '../history/history.ts'
import { digestOf } from './digest.ts'
import type { Library } from './library.ts'
import type { Far } from './link.ts'
import { epochMs, type Process } from './process.ts'
import { Transactions } from './transactions.ts'
import type { World } from './world.ts'

export class StoreServer implements Far {
  readonly world: World
  readonly transactions: Transactions
  paused = false
  down = false
  /** How wrong the store's clock is. */
  clockErrorMs = 0
  readonly #cutOff: Set<Process> = new Set()
  readonly #records: Map<string, OperationRecord> = new Map()
  #fenceFloor = 0
  readonly #unreadable: Set<string> = new Set()
  /** The operation behind an id, as the history names it. */
  readonly #names: Map<string, string> = new Map()
  /** What a fingerprint of the library means, as the history names it; empty where both are the same text. */
  readonly #meanings: Map<string, string> = new Map()
  /** Who was granted which fence of an operation. */
  readonly #holders: Map<string, string> = new Map()
  readonly #watchers: Map<string, Set<() => void>> = new Map()
  #held: (() => void)[] = []
  /** How to take the latest changes back, where a copy of this store may lag behind. */
  readonly #undo: { readonly t: number; back(): void }[] = []

  constructor(world: World) {
    this.world = world
    this.transactions = new Transactions(this)
  }

  get nowMs(): number {
    return epochMs + this.world.nowMs + this.clockErrorMs
  }

  get fenceFloor(): number {
    return this.#fenceFloor
  }

  unreachableFrom(process: Process): boolean {
    return this.#cutOff.has(process)
  }

  hold(arrival: () => void): void {
    this.#held.push(arrival)
  }

  // Faults.

  pause(): void {
    this.paused = true
  }

  proceed(): void {
    this.paused = false
    for (const arrival of this.#held.splice(0)) this.world.agenda.after(0, arrival)
  }

  cutOff(process: Process): void {
    this.#cutOff.add(process)
  }

  reconnect(process: Process): void {
    this.#cutOff.delete(process)
  }

  /** Dies and keeps what it has acknowledged; transactions that were open are gone, and so is who listened. */
  die(): void {
    this.down = true
    this.paused = false
    this.#held = []
    this.transactions.abandonAll()
    this.#watchers.clear()
  }

  restart(): void {
    this.down = false
  }

  /** Goes on as a copy that had not yet received the last `lagMs`. */
  failOver(lagMs: number): void {
    const since = this.world.nowMs - lagMs
    while (this.#undo.length > 0 && (this.#undo.at(-1)?.t ?? 0) > since) this.#undo.pop()?.back()
    this.transactions.abandonAll()
    this.world.record({ kind: 'loss', t: this.world.nowMs, since })
    this.world.count('the store lost what it had acknowledged')
  }

  setClock(errorMs: number): void {
    this.clockErrorMs = errorMs
    this.world.record({ kind: 'store-clock', t: this.world.nowMs, storeMs: this.nowMs })
    this.world.count('the store clock was set')
  }

  damage(id: string): void {
    if (this.#unreadable.has(id)) return
    this.#unreadable.add(id)
    this.world.record({ kind: 'unreadable', t: this.world.nowMs, operation: this.nameOf(id) })
    this.world.count('a record could not be read')
  }

  // Steps.

  claim(library: Library, operation: Operation, terms: Terms): ClaimResult {
    const stored = this.read(operation.id, library)
    const result = library.engine.claim(stored, operation, terms, this.nowMs, this.#fenceFloor)
    this.#sightClaim(stored, terms, result)
    if (result.kind === 'granted' || result.changed) this.put(result.record)
    const fence = result.kind === 'granted' ? result.record.fence : 0
    if (result.kind === 'granted') this.#holders.set(`${this.nameOf(operation.id)} ${fence}`, terms.attemptId)
    this.log('claim', operation.id, terms.attemptId, fence, undefined, result.kind, result.record)
    return result
  }

  beginEffect(library: Library, by: Claim): WriteResult {
    const result = library.engine.beginEffect(this.read(by.id, library), by)
    if (result.kind === 'superseded') this.world.count('a superseded attempt was stopped before its effect')
    if (result.kind === 'already-written') this.world.count('a write at the commit point recognised itself')
    return this.#written('begin-effect', by, undefined, result)
  }

  recordStep(library: Library, by: Claim, name: string, value: string): WriteResult {
    return this.#written(
      'record-step',
      by,
      undefined,
      library.engine.recordStep(this.read(by.id, library), by, name, value),
    )
  }

  renew(library: Library, by: Claim, leaseMs: number): WriteResult {
    const result = library.engine.renew(this.read(by.id, library), by, leaseMs, this.nowMs)
    if (result.kind === 'superseded') this.world.count('a renewal was superseded')
    return this.#written('renew', by, undefined, result)
  }

  settle(library: Library, by: Claim, ending: Ending): WriteResult {
    const stored = this.read(by.id, library)
    const result = library.engine.settle(stored, by, ending, this.nowMs)
    if (result.kind === 'superseded') this.world.count('a superseded attempt was stopped at settling')
    if (result.kind === 'already-written') this.world.count('a settlement recognised itself')
    if (result.kind === 'written' && stored?.state === 'unknown' && result.record.state === 'completed') {
      this.world.count('an unknown outcome was settled late')
    }
    if (result.kind === 'written' && stored?.state === 'running' && result.record.state === 'unknown') {
      this.world.count('an outcome became unknown')
    }
    return this.#written('settle', by, ending.kind, result)
  }

  resolve(library: Library, id: string, seenFence: number, ending: Exclude<Ending, { kind: 'unknown' }>): WriteResult {
    const result = library.engine.resolve(this.read(id, library), seenFence, ending, this.nowMs)
    return this.#written('resolve', { id, attemptId: 'operator', fence: seenFence }, ending.kind, result)
  }

  erase(library: Library, id: string): boolean {
    const record = library.engine.asOf(this.read(id, library), this.nowMs)
    if (record?.state !== 'completed') return false
    const erased = library.engine.expire(record, this.nowMs)
    this.put(erased)
    this.log('erase', id, 'operator', 0, undefined, 'written', erased)
    return true
  }

  find(library: Library, id: string): OperationRecord | undefined {
    return library.engine.asOf(this.read(id, library), this.nowMs)
  }

  sweep(library: Library): Swept {
    let expired = 0
    let forgotten = 0
    for (const record of this.#records.values()) {
      const due = library.engine.dueAtMs(record)
      if (due === undefined || this.nowMs < due || this.#unreadable.has(record.id)) continue
      const next = library.engine.asOf(record, this.nowMs)
      if (next === undefined) {
        this.#forget(record)
        forgotten++
      } else {
        this.put(next)
        expired++
      }
      this.log('sweep', record.id, 'sweep', 0, undefined, 'written', next)
    }
    return { expired, forgotten }
  }

  // Watching.

  watch(id: string, wake: () => void): () => void {
    const watchers = this.#watchers.get(id) ?? new Set()
    this.#watchers.set(id, watchers)
    watchers.add(wake)
    return () => watchers.delete(wake)
  }

  // The records.

  name(id: string, operation: string): void {
    if (!this.#names.has(id)) this.#names.set(id, operation)
  }

  nameOf(id: string): string {
    return this.#names.get(id) ?? id
  }

  /** The attempt that was granted this fence. */
  holder(operation: string, fence: number): string {
    return this.#holders.get(`${operation} ${fence}`) ?? 'nobody'
  }

  /** Learns what a fingerprint means from the first request that is seen to have it. */
  learn(fingerprint: string, meaning: string): void {
    if (!this.#meanings.has(fingerprint)) this.#meanings.set(fingerprint, meaning)
  }

  records(): IterableIterator<OperationRecord> {
    return this.#records.values()
  }

  read(id: string, library: Library): OperationRecord | undefined {
    if (this.#unreadable.has(id)) {
      throw new library.reprise.RepriseError('record-unreadable', 'The record is damaged.')
    }
    return this.#records.get(id)
  }

  put(record: OperationRecord): void {
    const { id } = record
    const before = this.#records.get(id)
    this.#remember(() => {
      if (before === undefined) this.#records.delete(id)
      else this.#records.set(id, before)
    })
    this.#records.set(id, record)
    if (before?.state !== record.state) this.#wake(id)
  }

  log(
    step: Step,
    id: string,
    attempt: string,
    fence: number,
    ending: Write['ending'],
    result: Write['result'],
    record: OperationRecord | undefined,
  ): void {
    const completed = record?.state === 'completed' ? record : undefined
    this.world.record({
      kind: 'write',
      t: this.world.nowMs,
      storeMs: this.nowMs,
      operation: this.nameOf(id),
      step,
      attempt,
      fence,
      ending,
      result,
      record: record === undefined || this.#meanings.size === 0 ? record : this.#translated(record),
      outcome: completed === undefined ? undefined : digestOf(completed.outcome),
      success: completed !== undefined && completed.outcome.status < 400,
    })
  }

  #translated(record: OperationRecord): RecordFacts {
    const { state, fence, attemptId, fingerprint } = record
    return {
      state,
      fence,
      attemptId,
      fingerprint: this.#meanings.get(fingerprint) ?? fingerprint,
      effect: record.state === 'running' ? record.effect : undefined,
      leaseUntilMs: record.state === 'running' ? record.leaseUntilMs : undefined,
    }
  }

  #written(step: Step, by: Claim, ending: Write['ending'], result: WriteResult): WriteResult {
    if (result.kind === 'written') this.put(result.record)
    this.log(step, by.id, by.attemptId, by.fence, ending, result.kind, result.record)
    return result
  }

  #forget(record: OperationRecord): void {
    const floor = this.#fenceFloor
    this.#remember(() => {
      this.#records.set(record.id, record)
      this.#fenceFloor = floor
    })
    this.#records.delete(record.id)
    this.#fenceFloor = Math.max(floor, record.fence)
  }

  #remember(back: () => void): void {
    if (this.world.weather.failovers > 0) this.#undo.push({ t: this.world.nowMs, back })
  }

  #wake(id: string): void {
    const watchers = this.#watchers.get(id)
    if (watchers === undefined) return
    this.#watchers.delete(id)
    for (const wake of watchers) wake()
  }

  #sightClaim(stored: OperationRecord | undefined, terms: Terms, result: ClaimResult): void {
    const { world } = this
    if (result.kind === 'found') {
      if (result.record.state === 'unknown' && stored?.state === 'running') world.count('an outcome became unknown')
      return
    }
    if (stored === undefined) return
    if (stored.state === 'running') {
      if (stored.attemptId === terms.attemptId) world.count('a claim recognised itself')
      else if (stored.effect === 'begun') world.count('a begun effect was taken over')
      else world.count('a claim was taken over')
    } else if (stored.state === 'completed' || stored.state === 'expired') {
      world.count('a forgotten key began a new life')
    }
  }
}
