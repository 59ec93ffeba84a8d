/** Time as a port. This is the only file of the service that reads the machine's time or sets its timers. */

export interface Clock {
  /** Wall time. */
  now(): Date
  /** Calls `then` once, after `ms`. Returns how to call it off. */
  after(ms: number, then: () => void): () => void
  /** Calls `then` every `ms`. Returns how to call it off. */
  every(ms: number, then: () => void): () => void
}

/** Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => new Date(),
  after: (ms, then) => {
    const timer = setTimeout(then, ms).unref()
    return () => clearTimeout(timer)
  },
  every: (ms, then) => {
    const timer = setInterval(then, ms).unref()
    return () => clearInterval(timer)
  },
}

/** The same for a process that has nothing but its timers to live for: one that waits to start another. */
export const wakefulClock: Clock = {
  ...systemClock,
  after: (ms, then) => {
    const timer = setTimeout(then, ms)
    return () => clearTimeout(timer)
  },
}
