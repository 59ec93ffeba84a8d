/**
 * The one writer of a file, and its group commit: steps and transactions that arrive together share one transaction of
 * SQLite, each inside its own savepoint, and one fsync. What any of them is told, it is told after that commit.
 *
 * SQLite has one writer at a time, so a handler has the connection to itself from its first line to its last: an
 * asynchronous one is never interleaved with another. What that costs is bounded: nobody waits longer than
 * `busyTimeoutMs` for a turn, and nobody keeps a turn longer than its lease.
 */

import type { Clock } from '../../engine/clock.ts'
import { RepriseError } from '../../engine/errors.ts'
import type { DriverConnection } from './driver.ts'
import { inTransaction } from './driver.ts'
import { isBusy, resultCode, unavailable } from './faults.ts'
import { LogSync } from './log-sync.ts'

/** One piece of work inside the group's transaction. */
interface Job {
  /** Names work of one kind, which is then as slow as it was the last time. */
  readonly kind: string
  readonly waitUntilMs: number
  /**
   * Does the work, inside a savepoint where it asks for one. A promise keeps the connection until it resolves. Whatever
   * it returns is kept until the group is durable.
   */
  run(): undefined | Promise<void>
  /** The group is durable. */
  committed(): void
  /** Nothing of the job stands. */
  failed(error: RepriseError): void
  /** COMMIT answered with an error, which is not an abort: the job looks whether it stands. */
  uncertain(error: RepriseError): void
  /** The commit stands, and may be gone after a power cut: nobody can say. */
  unsynced(error: RepriseError): void
}

/**
 * How many jobs share a commit at most, and how long a group may stay open for more. Small, because the answers of one
 * group are on their way while the next is at work; syncs are shared among the groups that wait for one.
 */
const groupLimit = 16
const groupMs = 20
/** How soon a file that another process holds is asked for again. */
const retryMs = 10
/** How often waiting and overdue jobs are looked at, while somebody keeps the connection. */
const watchMs = 50
/** After a commit that the content of one job made fail, how many jobs commit alone, so that it fails alone. */
const soloAfterFailure = 1000

export class Writer {
  readonly #connection: DriverConnection
  readonly #file: string
  readonly #clock: Clock
  readonly #onBegin: () => void
  readonly #log: LogSync
  readonly #queue: Job[] = []
  readonly #slow = new Set<string>()
  /** The group's transaction is open. */
  #open = false
  #group: Job[] = []
  #groupSinceMs = 0
  #pumping = false
  #solo = 0
  #cancelWatch: (() => void) | undefined
  #overdue: { readonly atMs: number; give(): void } | undefined
  #idle: (() => void)[] = []
  #broken: RepriseError | undefined

  /** `onBegin` is called after every BEGIN: the moment to read again what another process may have changed. */
  constructor(connection: DriverConnection, file: string, clock: Clock, onBegin: () => void) {
    this.#connection = connection
    this.#file = file
    this.#clock = clock
    this.#onBegin = onBegin
    this.#log = new LogSync(file)
  }

  /** A handler has kept the connection for longer than one turn of the event loop. */
  get occupied(): boolean {
    return this.#cancelWatch !== undefined
  }

  enqueue(job: Job): void {
    if (this.#broken !== undefined) {
      job.failed(this.#broken)
      return
    }
    this.#queue.push(job)
    if (this.#pumping) return
    this.#pumping = true
    // At the end of this turn of the loop, so that everything that has already arrived shares the group.
    this.#clock.soon(() => {
      void this.#pump()
    })
  }

  /**
   * Tells the writer that the current job will be given up at `atMs` (monotonic) by calling `give`. Returns how to take
   * that back.
   */
  limit(atMs: number, give: () => void): () => void {
    const overdue = { atMs, give }
    this.#overdue = overdue
    return () => {
      if (this.#overdue === overdue) this.#overdue = undefined
    }
  }

  /** Resolves when nothing is queued or under way. */
  async drained(): Promise<void> {
    if (this.#pumping) await new Promise<void>((resolve) => this.#idle.push(resolve))
    await this.#log.pending?.catch(() => undefined)
  }

  /**
   * Resolves when everything that can be read now is durable. Throws `store-unavailable` once a sync has failed: the
   * system may have dropped what it could not write, so from then on nothing here can be promised.
   */
  async durable(): Promise<void> {
    await this.#log.pending?.catch(() => undefined)
    if (this.#broken !== undefined) throw this.#broken
  }

  close(): void {
    this.#log.close()
  }

  async #pump(): Promise<void> {
    for (;;) {
      const job = this.#queue[0]
      if (job === undefined) {
        if (!this.#open) break
        this.#commit()
        continue
      }
      // A job that was slow before would make all that share its group wait for it.
      if (this.#group.length > 0 && (this.#full() || this.#slow.has(job.kind))) {
        this.#commit()
        // Lets the event loop look around: answers that are durable by now leave, and requests that have arrived join in.
        await new Promise<void>((resolve) => this.#clock.soon(resolve))
        continue
      }
      if (!this.#open) {
        // While the file was waited for, the queue may have changed: look again.
        await this.#begin()
        continue
      }
      this.#queue.shift()
      this.#group.push(job)
      const running = job.run()
      if (running !== undefined) await this.#waitFor(job, running)
    }
    this.#pumping = false
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  #full(): boolean {
    if (this.#group.length >= groupLimit || this.#solo > 0) return true
    return this.#clock.monotonic() - this.#groupSinceMs > groupMs
  }

  /** Lets an asynchronous job finish, watching the others' waits only once it outlives this turn of the loop. */
  async #waitFor(job: Job, running: Promise<void>): Promise<void> {
    let ended = false
    this.#clock.soon(() => {
      if (ended) return
      this.#slow.add(job.kind)
      this.#watch()
    })
    await running
    ended = true
    this.#cancelWatch?.()
    this.#cancelWatch = undefined
    this.#overdue = undefined
  }

  #watch(): void {
    this.#cancelWatch = this.#clock.after(watchMs, () => {
      this.#watch()
      this.#refuseImpatient()
      const overdue = this.#overdue
      if (overdue !== undefined && this.#clock.monotonic() >= overdue.atMs) {
        this.#overdue = undefined
        overdue.give()
      }
    })
  }

  /** Answers those who have waited long enough; they have not begun, so nothing of them stands. */
  #refuseImpatient(): void {
    const nowMs = this.#clock.monotonic()
    for (let i = this.#queue.length - 1; i >= 0; i--) {
      const job = this.#queue[i] as Job
      if (nowMs < job.waitUntilMs) continue
      this.#queue.splice(i, 1)
      job.failed(new RepriseError('store-unavailable', `The file ${this.#file} was busy for too long.`))
    }
  }

  /** Opens the group's transaction; where the file can't be had, those who waited for it are answered instead. */
  async #begin(): Promise<void> {
    for (;;) {
      try {
        this.#connection.exec('begin immediate')
        this.#groupSinceMs = this.#clock.monotonic()
        this.#onBegin()
        this.#open = true
        return
      } catch (error) {
        if (inTransaction(this.#connection)) this.#rollback()
        if (!isBusy(error)) {
          for (const job of this.#queue.splice(0)) job.failed(unavailable(this.#file, error))
          return
        }
        await new Promise<void>((resolve) => this.#clock.after(retryMs, resolve))
        this.#refuseImpatient()
        if (this.#queue.length === 0) return
      }
    }
  }

  #commit(): void {
    const group = this.#group
    this.#group = []
    this.#open = false
    if (this.#solo > 0) this.#solo--
    try {
      this.#connection.exec('commit')
    } catch (error) {
      // SQLite has either rolled back by itself (no room, I/O) or left the transaction open (a deferred constraint).
      const open = inTransaction(this.#connection)
      if (open) this.#rollback()
      if (resultCode(error) === 'CONSTRAINT') this.#solo = soloAfterFailure
      for (const job of group) job.uncertain(unavailable(this.#file, error))
      return
    }
    this.#log.sync().then(
      () => {
        for (const job of group) job.committed()
      },
      (error: unknown) => {
        this.#broken = unavailable(this.#file, error)
        for (const job of [...group, ...this.#queue.splice(0)]) job.unsynced(this.#broken)
      },
    )
  }

  /** Ends the group because its transaction is gone: SQLite rolled it back, or a handler ended it. */
  abandonGroup(error: unknown): void {
    const group = this.#group
    this.#group = []
    this.#open = false
    if (inTransaction(this.#connection)) this.#rollback()
    for (const job of group) job.failed(unavailable(this.#file, error))
  }

  #rollback(): void {
    try {
      this.#connection.exec('rollback')
    } catch {
      // There was nothing left to roll back.
    }
  }
}
