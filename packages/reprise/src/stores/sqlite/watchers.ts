/** Those who wait for a record to change, told of every change that this process makes. */
export class Watchers {
  readonly #listeners = new Map<string, Set<() => void>>()

  /** Resolves at the next change of the record, or when `signal` aborts. */
  watch(id: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const listeners = this.#listeners.get(id) ?? new Set()
      this.#listeners.set(id, listeners)
      const done = (): void => {
        signal.removeEventListener('abort', done)
        listeners.delete(done)
        if (listeners.size === 0 && this.#listeners.get(id) === listeners) this.#listeners.delete(id)
        resolve()
      }
      listeners.add(done)
      signal.addEventListener('abort', done)
    })
  }

  tell(id: string): void {
    for (const done of [...(this.#listeners.get(id) ?? [])]) done()
  }
}
