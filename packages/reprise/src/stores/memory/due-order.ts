/**
 * What comes due first, in a heap that knows the place of each of its items: to add, move or remove one costs the
 * logarithm of their number, and to look at the first costs nothing.
 */

/** An item of at most one order. */
export interface Due {
  dueAtMs: number
  /** Where the order keeps it; written by the order alone. -1 outside any order. */
  place: number
}

export class DueOrder<T extends Due> {
  readonly #heap: T[] = []

  first(): T | undefined {
    return this.#heap[0]
  }

  add(item: T): void {
    this.#heap.push(item)
    this.#rise(item, this.#heap.length - 1)
  }

  remove(item: T): void {
    const { place } = item
    item.place = -1
    const last = this.#heap.pop() as T
    if (last === item) return
    // The last one fills the gap, and then belongs above or below it.
    this.#rise(last, place)
    if (last.place === place) this.#sink(last, place)
  }

  #rise(item: T, from: number): void {
    let place = from
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = this.#heap[above] as T
      if (parent.dueAtMs <= item.dueAtMs) break
      this.#put(parent, place)
      place = above
    }
    this.#put(item, place)
  }

  #sink(item: T, from: number): void {
    let place = from
    for (;;) {
      const left = 2 * place + 1
      const right = this.#heap[left + 1]
      let child = this.#heap[left]
      if (child === undefined) break
      if (right !== undefined && right.dueAtMs < child.dueAtMs) child = right
      if (child.dueAtMs >= item.dueAtMs) break
      const below = child.place
      this.#put(child, place)
      place = below
    }
    this.#put(item, place)
  }

  #put(item: T, place: number): void {
    this.#heap[place] = item
    item.place = place
  }
}
