/** A clock that stands still until it is told to move. */

import type { Clock } from 'reprise/engine'

interface Timer {
  readonly atMs: number
  readonly fire: () => void
}

/**
 * Virtual time for tests: `now` and `monotonic` move by `advance` alone, and timers fire in their order on the way.
 * `soon` is the real end of the turn, since it promises an order and not a time.
 *
 * @example
 * const clock = new TestClock()
 * const store = memory({ clock })
 * await clock.advance(60_000)
 */
export class TestClock implements Clock {
  #nowMs: number
  #sinceStartMs = 0
  readonly #timers = new Set<Timer>()

  /** Starts at 1 January 2030 unless told. */
  constructor(startMs: number = Date.UTC(2030, 0, 1)) {
    this.#nowMs = startMs
  }

  now(): number {
    return this.#nowMs
  }

  monotonic(): number {
    return this.#sinceStartMs
  }

  after(ms: number, then: () => void): () => void {
    const timer: Timer = { atMs: this.#sinceStartMs + Math.max(0, ms), fire: then }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  soon(then: () => void): void {
    setImmediate(then)
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size
  }

  /**
   * Moves time forward by `ms`. Each timer that falls due on the way fires at its own time, and what it has started
   * goes on until it waits, before the next one fires. Resolves when all of them have.
   */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#sinceStartMs + ms
    await turn()
    for (let next = this.#first(untilMs); next !== undefined; next = this.#first(untilMs)) {
      this.#timers.delete(next)
      this.#moveTo(next.atMs)
      next.fire()
      await turn()
    }
    this.#moveTo(untilMs)
    await turn()
  }

  /** Sets the wall clock to another time, as an administrator or NTP would: `monotonic` and timers don't notice. */
  setWall(nowMs: number): void {
    this.#nowMs = nowMs
  }

  #moveTo(sinceStartMs: number): void {
    const byMs = sinceStartMs - this.#sinceStartMs
    if (byMs <= 0) return
    this.#sinceStartMs = sinceStartMs
    this.#nowMs += byMs
  }

  /** The earliest timer until then; of several at one time the one that was set first. */
  #first(untilMs: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.atMs <= untilMs && (first === undefined || timer.atMs < first.atMs)) first = timer
    }
    return first
  }
}

/** One whole turn of the event loop: promises settle, and what has arrived is looked at. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
