/**
 * What happens next: a heap of events by virtual time, and by lot among those of the same instant. One event runs, then
 * every promise that it settled is followed to its end, and only then does the next one run. So the whole run is decided
 * by the seed.
 */

import { drainMicrotasks } from './drain.ts'
import type { Random } from './random.ts'

/** Names an event that has not happened yet. */
export type Ticket = number
type Slot = number

/** Slots are used again, so a ticket also says which use it is for. */
const slotsMax = 65_536
const noop = (): void => undefined

export class Agenda {
  nowMs = 0
  #random: Random
  // Parallel arrays, because an object per event would be half of the cost of an event.
  #atMs: Float64Array = new Float64Array(64)
  #lot: Uint32Array = new Uint32Array(64)
  readonly #run: (() => void)[] = []
  readonly #tickets: Ticket[] = []
  #uses = 0
  readonly #free: Slot[] = []
  #heap: Int32Array = new Int32Array(64)
  #size = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** Begins anew, with nothing on it. Its room is kept: to make it again for every run costs as much as some runs. */
  restart(random: Random): void {
    while (this.#size > 0) {
      const slot = this.#take()
      this.#run[slot] = noop
      this.#free.push(slot)
    }
    this.#random = random
    this.nowMs = 0
  }

  at(atMs: number, run: () => void): Ticket {
    const slot = this.#free.pop() ?? this.#run.length
    const ticket = ++this.#uses * slotsMax + slot
    this.#tickets[slot] = ticket
    if (slot >= this.#atMs.length) this.#grow()
    this.#atMs[slot] = Math.max(atMs, this.nowMs)
    this.#lot[slot] = this.#random.u32()
    this.#run[slot] = run
    this.#rise(this.#size++, slot)
    return ticket
  }

  after(ms: number, run: () => void): Ticket {
    return this.at(this.nowMs + ms, run)
  }

  /** Calls an event off, as though it had never been on the agenda: time does not go on to it. */
  cancel(ticket: Ticket): void {
    const slot = ticket % slotsMax
    if (this.#tickets[slot] === ticket) this.#run[slot] = noop
  }

  /** Runs the next event, and everything that follows from it at once. False when there is none. */
  step(): boolean {
    while (this.#size > 0) {
      const slot = this.#take()
      const run = this.#run[slot] as () => void
      this.#tickets[slot] = 0
      this.#free.push(slot)
      if (run === noop) continue
      this.#run[slot] = noop
      this.nowMs = this.#atMs[slot] as number
      run()
      drainMicrotasks()
      return true
    }
    return false
  }

  #take(): Slot {
    const slot = this.#heap[0] as Slot
    this.#size--
    if (this.#size > 0) this.#sink(this.#heap[this.#size] as Slot)
    return slot
  }

  #before(a: Slot, b: Slot): boolean {
    const aMs = this.#atMs[a] as number
    const bMs = this.#atMs[b] as number
    return aMs < bMs || (aMs === bMs && (this.#lot[a] as number) < (this.#lot[b] as number))
  }

  #rise(from: number, slot: Slot): void {
    let place = from
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = this.#heap[above] as Slot
      if (this.#before(parent, slot)) break
      this.#heap[place] = parent
      place = above
    }
    this.#heap[place] = slot
  }

  #sink(slot: Slot): void {
    let place = 0
    for (;;) {
      let child = 2 * place + 1
      if (child >= this.#size) break
      const right = child + 1
      if (right < this.#size && this.#before(this.#heap[right] as Slot, this.#heap[child] as Slot)) child = right
      if (this.#before(slot, this.#heap[child] as Slot)) break
      this.#heap[place] = this.#heap[child] as Slot
      place = child
    }
    this.#heap[place] = slot
  }

  #grow(): void {
    const length = this.#atMs.length * 2
    const [atMs, lot, heap] = [new Float64Array(length), new Uint32Array(length), new Int32Array(length)]
    atMs.set(this.#atMs)
    lot.set(this.#lot)
    heap.set(this.#heap)
    this.#atMs = atMs
    this.#lot = lot
    this.#heap = heap
  }
}
