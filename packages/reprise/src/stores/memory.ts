/**
 * Records in the memory of this process: for development, tests and single processes that may forget. It is also the
 * model that every other store is compared with: each step applies the function of `engine/transitions.ts` of the same
 * name to one record, and nothing else.
 */

import { type Clock, systemClock } from '../engine/clock.ts'
import { RepriseError } from '../engine/errors.ts'
import { integerOption, refuseUnknown } from '../engine/options.ts'
import type { OperationRecord } from '../engine/record.ts'
import type {
  BeginResult,
  Capabilities,
  CommitResult,
  ListOptions,
  Page,
  Store,
  Swept,
  TransactionEnding,
} from '../engine/store.ts'
import type { Claim, ClaimResult, Ending, Operation, Terms, WriteResult } from '../engine/transitions.ts'
import * as transitions from '../engine/transitions.ts'
import { Watchers } from '../engine/watchers.ts'
import { InFlight, type Undertaking } from './memory/in-flight.ts'
import { Records } from './memory/records.ts'
import { type MemoryTx, StagedData } from './memory/staged-data.ts'

export type { MemoryTx }

export interface MemoryOptions {
  /** At most this many records, transactions under way included; 100,000 unless told. */
  readonly maxRecords?: number
  /** Roughly how much the records may weigh before new operations are refused; 256 MiB unless told. */
  readonly maxBytes?: number
  readonly clock?: Clock
}

export interface MemoryStore extends Store<MemoryTx> {
  /** What transactions have committed. Written by `attempt.tx`; reading it needs no transaction. */
  readonly data: Map<string, unknown>
  /** How full the store is. `bytes` is an estimate. */
  usage(): { readonly records: number; readonly bytes: number }
  begin(operation: Operation, terms: Terms, lost: () => void): Promise<BeginResult<MemoryTx>>
  watch(id: string, signal: AbortSignal): Promise<void>
}

/**
 * A store in the memory of this process. Transactional over its own `data`; everything is gone when the process ends.
 *
 * It is bounded: when it is full it sweeps what is due, and refuses new operations with `store-full` if that is not
 * enough. It never drops a live or unfinished record, and always takes the settlement of an operation that it let in.
 *
 * @example
 * const store = memory({ maxRecords: 10_000 })
 * const reprise = createReprise({ store })
 */
export function memory(options: MemoryOptions = {}): MemoryStore {
  refuseUnknown('memory()', options, ['maxRecords', 'maxBytes', 'clock'])
  const bounds = { min: 1, max: Number.MAX_SAFE_INTEGER }
  return new InMemory(
    integerOption('memory()', 'maxRecords', options.maxRecords, { fallback: 100_000, ...bounds }),
    integerOption('memory()', 'maxBytes', options.maxBytes, { fallback: 256 * 1024 * 1024, ...bounds }),
    options.clock ?? systemClock,
  )
}

class InMemory implements MemoryStore {
  readonly name = 'memory'
  readonly capabilities: Capabilities = {
    transactional: true,
    durable: false,
    survivesFailover: false,
    // All who could change a record are in this process.
    wakesWaiters: true,
  }
  readonly data: Map<string, unknown> = new Map()
  readonly #maxRecords: number
  readonly #maxBytes: number
  readonly #clock: Clock
  readonly #records = new Records()
  readonly #watchers = new Watchers()
  readonly #inFlight: InFlight
  #closed = false

  constructor(maxRecords: number, maxBytes: number, clock: Clock) {
    this.#maxRecords = maxRecords
    this.#maxBytes = maxBytes
    this.#clock = clock
    this.#inFlight = new InFlight(clock, this.#watchers, (work, ending) => this.#commit(work, ending))
  }

  usage(): { readonly records: number; readonly bytes: number } {
    return { records: this.#records.size, bytes: this.#records.bytes }
  }

  async migrate(): Promise<void> {
    this.#nowMs()
  }

  async claim(operation: Operation, terms: Terms): Promise<ClaimResult> {
    const result = this.#ask(operation, terms, this.#nowMs())
    if (result.kind === 'granted') this.#put(result.record)
    return result
  }

  async beginEffect(claim: Claim): Promise<WriteResult> {
    this.#nowMs()
    return this.#written(transitions.beginEffect(this.#records.get(claim.id), claim))
  }

  async recordStep(claim: Claim, name: string, value: string): Promise<WriteResult> {
    this.#nowMs()
    return this.#written(transitions.recordStep(this.#records.get(claim.id), claim, name, value))
  }

  async renew(claim: Claim, leaseMs: number): Promise<WriteResult> {
    const nowMs = this.#nowMs()
    return this.#written(transitions.renew(this.#records.get(claim.id), claim, leaseMs, nowMs))
  }

  async settle(claim: Claim, ending: Ending): Promise<WriteResult> {
    const nowMs = this.#nowMs()
    return this.#written(transitions.settle(this.#records.get(claim.id), claim, owned(ending), nowMs))
  }

  async begin(operation: Operation, terms: Terms, lost: () => void): Promise<BeginResult<MemoryTx>> {
    const nowMs = this.#nowMs()
    const result = this.#ask(operation, terms, nowMs)
    if (result.kind === 'found') return result
    const work: Undertaking = { operation, terms, running: result.record, data: new StagedData(this.data), lost }
    return { kind: 'granted', transaction: this.#inFlight.add(work, nowMs) }
  }

  async find(id: string): Promise<OperationRecord | undefined> {
    const nowMs = this.#nowMs()
    return transitions.asOf(this.#records.get(id), nowMs)
  }

  async watch(id: string, signal: AbortSignal): Promise<void> {
    this.#nowMs()
    return this.#watchers.watch(id, signal)
  }

  async sweep(limit: number): Promise<Swept> {
    return this.#records.sweep(limit, this.#nowMs())
  }

  async list(options: ListOptions): Promise<Page> {
    const limit = integerOption('list()', 'limit', options.limit, { fallback: 100, min: 1, max: 1000 })
    const { state, name, cursor = '' } = options
    const found: OperationRecord[] = []
    for (const record of this.#records.at(this.#nowMs())) {
      const wanted = (state ?? record.state) === record.state && (name ?? record.name) === record.name
      if (wanted && record.id > cursor) found.push(record)
    }
    // By id, so that a page stays where it was while records come and go.
    found.sort((a, b) => (a.id < b.id ? -1 : 1))
    const items = found.slice(0, limit)
    return { items, next: found.length > limit ? items.at(-1)?.id : undefined }
  }

  async resolve(id: string, seenFence: number, ending: Exclude<Ending, { kind: 'unknown' }>): Promise<WriteResult> {
    const nowMs = this.#nowMs()
    return this.#written(transitions.resolve(this.#records.get(id), seenFence, owned(ending), nowMs))
  }

  async erase(id: string): Promise<boolean> {
    const nowMs = this.#nowMs()
    const record = transitions.asOf(this.#records.get(id), nowMs)
    if (record?.state !== 'completed') return false
    this.#put(transitions.expire(record, nowMs))
    return true
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#inFlight.idle()
    this.#watchers.wakeAll()
  }

  /** The time of this step, which is refused once the store is closed. */
  #nowMs(): number {
    if (this.#closed) throw new RepriseError('store-closed', 'The memory store is closed.')
    return this.#clock.now()
  }

  /** What a claim comes to, without granting it yet: `begin` never writes it down. */
  #ask(operation: Operation, terms: Terms, nowMs: number): ClaimResult {
    const inFlight = this.#inFlight.running(operation.id, nowMs)
    if (inFlight !== undefined) return { kind: 'found', record: inFlight, changed: false }
    const stored = this.#records.get(operation.id)
    const result = transitions.claim(stored, operation, terms, nowMs, this.#records.fenceFloor)
    if (result.kind === 'found' && result.changed) this.#put(result.record)
    if (result.kind === 'granted' && stored === undefined) this.#makeRoom(nowMs)
    return result
  }

  #commit({ operation, terms, data }: Undertaking, ending: TransactionEnding): CommitResult {
    const { fenceFloor } = this.#records
    const stored = this.#records.get(operation.id)
    const settlement = owned(ending.kind === 'released' ? { ...ending, proof: 'not-applied' } : ending)
    const settled = transitions.settleAtOnce(stored, operation, terms, settlement, this.#clock.now(), fenceFloor)
    if (settled.kind !== 'written') return { kind: 'superseded', record: settled.record }
    if (ending.kind === 'completed') {
      // A refusal, too, is an answer to what was read.
      if (!data.holds()) return { kind: 'rolled-back', why: 'conflict' }
      if (ending.effect === 'kept') data.apply()
    }
    this.#put(settled.record)
    return { kind: 'committed', record: settled.record }
  }

  #written<R extends WriteResult>(result: R): R {
    if (result.kind === 'written') this.#put(result.record)
    return result
  }

  #put(record: OperationRecord): void {
    const before = this.#records.get(record.id)
    this.#records.put(record)
    if (before?.state !== record.state) this.#watchers.wake(record.id)
  }

  #makeRoom(nowMs: number): void {
    while (this.#records.size + this.#inFlight.size >= this.#maxRecords || this.#records.bytes >= this.#maxBytes) {
      const { expired, forgotten } = this.#records.sweep(1, nowMs)
      if (expired + forgotten > 0) continue
      const held = `${this.#records.size} records of ${this.#records.bytes} bytes`
      throw new RepriseError('store-full', `The memory store holds ${held}, and none of them is due.`)
    }
  }
}

/** The ending with bytes of its own: the caller may use its buffer again, and the record may not change by that. */
function owned<E extends Ending>(ending: E): E {
  if (ending.kind !== 'completed' || ending.outcome.body === null) return ending
  return { ...ending, outcome: { ...ending.outcome, body: new Uint8Array(ending.outcome.body) } }
}
