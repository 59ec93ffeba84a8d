/**
 * Keeps a number of processes running: starts them, replaces those that die, and stops them together. Knows no signals
 * and no sockets; how a process is started, told to stop and killed comes in as an argument.
 */
import type { Clock } from '../clock.ts'

export interface Exit {
  readonly code: number | null
  readonly signal: string | null
}

export interface Child {
  readonly pid: number | undefined
  /** Asks it to finish what it has begun, and end. */
  stop(): void
  /** Ends it at once. */
  kill(): void
}

/** What becomes of a child. */
export interface Fate {
  /** It takes requests. */
  serving(): void
  ended(exit: Exit): void
}

export interface SupervisorParts {
  readonly count: number
  /** Starts the process with this number, from 1; one that takes the place of another has the other's number. */
  start(number: number, fate: Fate): Child
  readonly clock: Clock
  readonly log: { info(facts: object, text: string): void; warn(facts: object, text: string): void }
}

export interface Supervisor {
  /** Resolves once every process has taken requests; rejects when the first one ends before it could. */
  readonly serving: Promise<void>
  /** Asks all to end, and kills those that take too long. Resolves once none is left: true when all ended well. */
  stop(): Promise<boolean>
  /** Ends all at once. */
  kill(): void
}

/** A process that has served for this long was fit, so what ended it was an accident. */
const STEADY_MS = 2000
/** The pause before a dead process is replaced: doubled each time that its successor dies young, too. */
const PAUSE_MS = 50
const PAUSE_MS_MAX = 5000
/** Longer than a process gives the requests that it has in flight. */
const GRACE_MS = 12_000

export function supervise(parts: SupervisorParts): Supervisor {
  const { count, clock } = parts
  const numbers = Array.from({ length: count }, (_, at) => at + 1)
  let tell: { resolve(): void; reject(error: Error): void } = { resolve: () => undefined, reject: () => undefined }
  const serving = new Promise<void>((resolve, reject) => {
    tell = { resolve, reject }
  })
  let served = 0
  const stations = numbers.map(
    (number) =>
      new Station(number, parts, {
        servedFirst: () => {
          served++
          // The first goes ahead: what keeps it from serving would keep the others, and is then said only once.
          if (number === 1) for (const station of stations.slice(1)) station.start()
          if (served === count) tell.resolve()
        },
        neverServed: () => {
          if (number !== 1) return false
          tell.reject(new Error('The first process ended before it could take requests.'))
          return true
        },
      }),
  )
  stations[0]?.start()

  return {
    serving,
    stop: async () => {
      const cancel = clock.after(GRACE_MS, () => {
        for (const station of stations) station.kill()
      })
      const ends = await Promise.all(stations.map((station) => station.stop()))
      cancel()
      return ends.every((well) => well)
    },
    kill: () => {
      for (const station of stations) station.kill()
    },
  }
}

interface Reports {
  servedFirst(): void
  /** True when no other is to be started in its place. */
  neverServed(): boolean
}

/** One place, and the process that holds it. */
class Station {
  readonly #number: number
  readonly #parts: SupervisorParts
  readonly #reports: Reports
  #child: Child | undefined
  #servedBefore = false
  #servingSinceMs: number | undefined
  #diedYoung = 0
  #cancelStart: () => void = () => undefined
  #stopping = false
  #well = true
  readonly #gone: (() => void)[] = []

  constructor(number: number, parts: SupervisorParts, reports: Reports) {
    this.#number = number
    this.#parts = parts
    this.#reports = reports
  }

  start(): void {
    this.#servingSinceMs = undefined
    this.#child = this.#parts.start(this.#number, {
      serving: () => this.#serving(),
      ended: (exit) => this.#ended(exit),
    })
  }

  /** Resolves once the process is gone: true when it ended well. */
  stop(): Promise<boolean> {
    this.#stopping = true
    this.#cancelStart()
    return new Promise((resolve) => {
      if (this.#child === undefined) return resolve(this.#well)
      this.#gone.push(() => resolve(this.#well))
      this.#child.stop()
    })
  }

  kill(): void {
    this.#child?.kill()
  }

  #serving(): void {
    this.#servingSinceMs = this.#parts.clock.now().getTime()
    if (this.#servedBefore) return
    this.#servedBefore = true
    this.#reports.servedFirst()
  }

  #ended({ code, signal }: Exit): void {
    const { clock, log } = this.#parts
    const facts = { process: { number: this.#number, pid: this.#child?.pid }, code, signal }
    this.#child = undefined
    if (this.#stopping) {
      // One that has not served yet has left nobody without an answer.
      this.#well = code === 0 || this.#servingSinceMs === undefined
      if (!this.#well) log.warn(facts, 'a process did not end well')
      for (const resolve of this.#gone) resolve()
      return
    }
    if (!this.#servedBefore && this.#reports.neverServed()) return
    const steady = this.#servingSinceMs !== undefined && clock.now().getTime() - this.#servingSinceMs >= STEADY_MS
    this.#diedYoung = steady ? 0 : this.#diedYoung + 1
    const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** Math.max(0, this.#diedYoung - 1))
    log.warn({ ...facts, pauseMs }, 'a process has ended; another takes its place')
    this.#cancelStart = clock.after(pauseMs, () => this.start())
  }
}
