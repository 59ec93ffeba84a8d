/** The records themselves, with what they weigh and the order in which time changes them. */

import type { Completed, OperationRecord } from '../../engine/record.ts'
import type { Swept } from '../../engine/store.ts'
import { asOf, dueAtMs, expire } from '../../engine/transitions.ts'
import { type Due, DueOrder } from './due-order.ts'

/** Roughly what a record, its slot and its places weigh besides its strings and bytes. */
const overheadBytes = 512

interface Slot extends Due {
  record: OperationRecord
  weight: number
}

export class Records {
  readonly #slots = new Map<string, Slot>()
  /** Outcomes by the end of their retention. */
  readonly #outcomes = new DueOrder<Slot>()
  /** Tombstones and released records by the end of theirs. */
  readonly #tombstones = new DueOrder<Slot>()
  #bytes = 0
  #fenceFloor = 0

  get size(): number {
    return this.#slots.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The highest fence ever forgotten. */
  get fenceFloor(): number {
    return this.#fenceFloor
  }

  get(id: string): OperationRecord | undefined {
    return this.#slots.get(id)?.record
  }

  /** The records as they stand at `nowMs`. */
  *at(nowMs: number): Generator<OperationRecord> {
    for (const slot of this.#slots.values()) {
      const record = asOf(slot.record, nowMs)
      if (record !== undefined) yield record
    }
  }

  put(record: OperationRecord): void {
    const weight = weigh(record)
    let slot = this.#slots.get(record.id)
    if (slot === undefined) {
      slot = { record, weight, dueAtMs: 0, place: -1 }
      this.#slots.set(record.id, slot)
      this.#bytes += weight
    } else {
      this.#unlist(slot)
      this.#bytes += weight - slot.weight
      slot.record = record
      slot.weight = weight
    }
    const due = dueAtMs(record)
    if (due === undefined) return
    slot.dueAtMs = due
    this.#orderOf(record).add(slot)
  }

  /** Retires outcomes, then forgets tombstones, at most `limit` in all. Never touches an unfinished record. */
  sweep(limit: number, nowMs: number): Swept {
    let expired = 0
    let forgotten = 0
    while (expired < limit && this.#retire(nowMs)) expired++
    while (expired + forgotten < limit && this.#forget(nowMs)) forgotten++
    return { expired, forgotten }
  }

  #retire(nowMs: number): boolean {
    const slot = this.#outcomes.first()
    if (slot === undefined || nowMs < slot.dueAtMs) return false
    this.put(expire(slot.record as Completed))
    return true
  }

  #forget(nowMs: number): boolean {
    const slot = this.#tombstones.first()
    if (slot === undefined || nowMs < slot.dueAtMs) return false
    this.#remove(slot)
    return true
  }

  #remove(slot: Slot): void {
    this.#unlist(slot)
    this.#slots.delete(slot.record.id)
    this.#bytes -= slot.weight
    this.#fenceFloor = Math.max(this.#fenceFloor, slot.record.fence)
  }

  #unlist(slot: Slot): void {
    if (slot.place !== -1) this.#orderOf(slot.record).remove(slot)
  }

  #orderOf(record: OperationRecord): DueOrder<Slot> {
    return record.state === 'completed' ? this.#outcomes : this.#tombstones
  }
}

function weigh(record: OperationRecord): number {
  // Strings are counted as two bytes per character, which is their most.
  let characters = record.id.length + record.name.length + record.fingerprint.length + record.attemptId.length
  let bytes = overheadBytes
  switch (record.state) {
    case 'completed':
      for (const [name, value] of record.outcome.headers) characters += name.length + value.length
      bytes += record.outcome.body?.byteLength ?? 0
      break
    case 'running':
    case 'released':
      for (const step of record.steps) characters += step.name.length + step.value.length
      break
    case 'unknown':
    case 'expired':
      break
  }
  return bytes + 2 * characters
}
