/** The clock as a port. This is the only file of the library that reads the machine's time or sets its timers. */
export interface Clock {
  /** Wall time in milliseconds since 1970: for deadlines that are stored. */
  now(): number
  /** A time that never goes back, in milliseconds: for durations. */
  monotonic(): number
  /** Calls `then` after `ms`. Returns how to call it off. `background` work does not keep the process alive. */
  after(ms: number, then: () => void, background?: 'background'): () => void
  /** Calls `then` once everything that has already arrived has been looked at: the end of this turn of the loop. */
  soon(then: () => void): void
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, then, background) => {
    const timer = setTimeout(then, ms)
    if (background === 'background') timer.unref()
    return () => clearTimeout(timer)
  },
  soon: (then) => {
    setImmediate(then)
  },
}

/** Resolves after `ms`, or at once when `signal` aborts. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve()
    const done = (): void => {
      cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.after(ms, done)
    signal?.addEventListener('abort', done)
  })
}
