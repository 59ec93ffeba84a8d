/** Who waits in this process for a record to change; stores tell them. */

export class Watchers {
  readonly #waking = new Map<string, Set<() => void>>()

  /** How many wait. */
  get size(): number {
    let size = 0
    for (const waking of this.#waking.values()) size += waking.size
    return size
  }

  /** Resolves at the next `wake` of the id, or when `signal` aborts; leaves no listener behind either way. */
  watch(id: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const waking = this.#waking.get(id) ?? new Set()
      this.#waking.set(id, waking)
      const wake = (): void => {
        signal.removeEventListener('abort', wake)
        waking.delete(wake)
        // Another set may have taken this one's place while it was being told.
        if (waking.size === 0 && this.#waking.get(id) === waking) this.#waking.delete(id)
        resolve()
      }
      waking.add(wake)
      signal.addEventListener('abort', wake)
    })
  }

  wake(id: string): void {
    const waking = this.#waking.get(id)
    if (waking === undefined) return
    for (const wake of waking) wake()
  }

  wakeAll(): void {
    for (const id of this.#waking.keys()) this.wake(id)
  }
}
