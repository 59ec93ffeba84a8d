/**
 * The transactions of this process that are under way. Nothing of them is in the table: a running record stands for each, so
 * that another arrival of its operation is told what it meets without asking the server.
 */

import type { Running } from '../../engine/record.ts'

export class InFlight {
  readonly #running = new Map<string, Running>()
  /** Transactions that are being rolled back: who comes next waits until their locks are free. */
  readonly #leaving = new Map<string, Promise<void>>()
  readonly #idle: (() => void)[] = []

  /** The record that stands for the transaction of an id. */
  running(id: string): Running | undefined {
    return this.#running.get(id)
  }

  /** Resolves when what an id left behind is cleared away. */
  async cleared(id: string): Promise<void> {
    await this.#leaving.get(id)
  }

  add(running: Running): void {
    this.#running.set(running.id, running)
  }

  /** The transaction is over; `leaving` is what is still done about it. */
  remove(running: Running, leaving?: Promise<void>): void {
    if (this.#running.get(running.id) === running) this.#running.delete(running.id)
    if (leaving !== undefined) {
      const left: Promise<void> = leaving.then(
        () => this.#left(running.id, left),
        () => this.#left(running.id, left),
      )
      this.#leaving.set(running.id, left)
    }
    this.#tellIdle()
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    if (this.#running.size === 0 && this.#leaving.size === 0) return
    await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  #left(id: string, left: Promise<void>): void {
    if (this.#leaving.get(id) === left) this.#leaving.delete(id)
    this.#tellIdle()
  }

  #tellIdle(): void {
    if (this.#running.size > 0 || this.#leaving.size > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}
