/** The door `reprise/sqlite`: records in a SQLite file, beside the tables of the application and in its transactions. */

import { type Clock, systemClock } from '../engine/clock.ts'
import type { Duration } from '../engine/duration.ts'
import { RepriseError } from '../engine/errors.ts'
import { durationOption, invalid, refuseUnknown } from '../engine/options.ts'
import type { OperationRecord } from '../engine/record.ts'
import type { BeginResult, ListOptions, Page, Store, Swept } from '../engine/store.ts'
import type { Claim, ClaimResult, Ending, Operation, Terms, WriteResult } from '../engine/transitions.ts'
import * as transitions from '../engine/transitions.ts'
import { Watchers } from '../engine/watchers.ts'
import { type Driver, type DriverConnection, installedDriver } from './sqlite/driver.ts'
import { isBusy, unavailable, unusable } from './sqlite/faults.ts'
import { Records } from './sqlite/records.ts'
import { migrate, migrations, requireSchema } from './sqlite/schema.ts'
import { Turns } from './sqlite/turns.ts'
import type { SqliteTx } from './sqlite/tx.ts'
import { Writer } from './sqlite/writer.ts'

export type { Driver, DriverConnection, DriverStatement } from './sqlite/driver.ts'
export type { SqliteStatement, SqliteTx } from './sqlite/tx.ts'

export interface SqliteOptions {
  /** Path of the database file. Its folder has to exist. */
  readonly file: string
  /** `Database` of libsql or better-sqlite3, or `DatabaseSync` of node:sqlite. The first installed one unless told. */
  readonly driver?: Driver
  /** How long an attempt waits for its turn to write: 5 s unless told. Then it is answered 503, and has done nothing. */
  readonly busyTimeout?: Duration
  readonly clock?: Clock
}

/** The statements that `migrate()` runs, in order, for those who run migrations by other means. */
export const sqliteMigrations: readonly string[] = migrations

/**
 * A store in a SQLite file, durable as with WAL and `synchronous=FULL`, with one commit and one sync for all attempts that
 * arrive together.
 *
 * It owns its connections; `attempt.tx` is the one in which the outcome is recorded too. Opens the file at once and
 * creates it where there is none; tables come with `migrate()`.
 *
 * Throws `file-unusable` where the file can't be opened, is locked, read-only, damaged or no database, and
 * `driver-missing` where no driver is installed.
 *
 * @example
 * const store = sqlite({ file: 'app.db' })
 * await store.migrate()
 */
export function sqlite(options: SqliteOptions): Store<SqliteTx> {
  refuseUnknown('sqlite', options, ['file', 'driver', 'busyTimeout', 'clock'])
  const { file } = options
  if (typeof file !== 'string' || file === '' || file.startsWith(':memory:')) {
    throw invalid('sqlite', 'file', file, 'the path of a file; for memory there is memory()')
  }
  const busyMs = durationOption('sqlite', 'busyTimeout', options.busyTimeout, { fallback: 5000, maxMs: 600_000 })
  return new SqliteStore(file, options.driver ?? installedDriver(), busyMs, options.clock ?? systemClock)
}

type Step<T> = (stored: OperationRecord | undefined, nowMs: number) => { result: T; next?: OperationRecord | undefined }

class SqliteStore implements Store<SqliteTx> {
  readonly name = 'sqlite'
  readonly capabilities = { transactional: true, durable: true, survivesFailover: false, wakesWaiters: false } as const
  readonly #file: string
  readonly #busyMs: number
  readonly #clock: Clock
  readonly #connection: DriverConnection
  readonly #readConnection: DriverConnection
  readonly #records: Records
  readonly #reader: Records
  readonly #writer: Writer
  readonly #turns: Turns
  readonly #watchers = new Watchers()
  #ready = false
  #closed: Promise<void> | undefined

  constructor(file: string, driver: Driver, busyMs: number, clock: Clock) {
    this.#file = file
    this.#busyMs = busyMs
    this.#clock = clock
    this.#connection = open(driver, file)
    try {
      this.#readConnection = open(driver, file)
    } catch (error) {
      this.#connection.close()
      throw error
    }
    this.#records = new Records(this.#connection)
    this.#reader = new Records(this.#readConnection)
    this.#writer = new Writer(this.#connection, file, clock, () => this.#records.readFenceFloor())
    this.#turns = new Turns(this.#records, this.#connection, this.#writer, clock, file, busyMs, this.#watchers)
  }

  async migrate(): Promise<void> {
    this.#refuseClosed()
    const untilMs = this.#clock.monotonic() + this.#busyMs
    for (;;) {
      await this.#writer.drained()
      try {
        migrate(this.#connection, this.#file)
        this.#ready = true
        return
      } catch (error) {
        if (!isBusy(error) || this.#clock.monotonic() >= untilMs) throw unusable(this.#file, error)
        await new Promise<void>((resolve) => this.#clock.after(20, resolve))
      }
    }
  }

  claim(operation: Operation, terms: Terms): Promise<ClaimResult> {
    return this.#step('claim', operation.id, (stored, nowMs) => {
      const result = transitions.claim(stored, operation, terms, nowMs, this.#records.fenceFloor)
      const save = result.kind === 'granted' || result.changed
      return { result, next: save ? result.record : undefined }
    })
  }

  beginEffect(claim: Claim): Promise<WriteResult> {
    return this.#write(claim.id, (stored) => transitions.beginEffect(stored, claim))
  }

  recordStep(claim: Claim, name: string, value: string): Promise<WriteResult> {
    return this.#write(claim.id, (stored) => transitions.recordStep(stored, claim, name, value))
  }

  renew(claim: Claim, leaseMs: number): Promise<WriteResult> {
    return this.#write(claim.id, (stored, nowMs) => transitions.renew(stored, claim, leaseMs, nowMs))
  }

  settle(claim: Claim, ending: Ending): Promise<WriteResult> {
    return this.#write(claim.id, (stored, nowMs) => transitions.settle(stored, claim, ending, nowMs))
  }

  resolve(id: string, seenFence: number, ending: Exclude<Ending, { kind: 'unknown' }>): Promise<WriteResult> {
    return this.#write(id, (stored, nowMs) => transitions.resolve(stored, seenFence, ending, nowMs))
  }

  async begin(operation: Operation, terms: Terms, lost: () => void): Promise<BeginResult<SqliteTx>> {
    this.#prepare()
    // Its first attempt is under way in this process: told at once, rather than after waiting behind it.
    const inFlight = this.#turns.inFlight(operation.id)
    if (inFlight !== undefined || this.#writer.occupied) {
      // A replay needs no turn, so it does not wait for a slow handler to end its own. Nor is an attempt in flight that waits for
      // its turn only to find what is there already.
      const record = transitions.asOf(
        this.#read(() => this.#reader.find(operation.id)),
        this.#clock.now(),
      )
      if (record !== undefined && record.state !== 'released' && record.state !== 'running') {
        await this.#writer.durable()
        return { kind: 'found', record }
      }
      if (inFlight !== undefined) return { kind: 'found', record: inFlight }
    }
    return this.#turns.take(operation, terms, lost)
  }

  async find(id: string): Promise<OperationRecord | undefined> {
    this.#prepare()
    return transitions.asOf(
      this.#read(() => this.#reader.find(id)),
      this.#clock.now(),
    )
  }

  watch(id: string, signal: AbortSignal): Promise<void> {
    return this.#watchers.watch(id, signal)
  }

  async sweep(limit: number): Promise<Swept> {
    const swept = { expired: 0, forgotten: 0 }
    // In small steps, each in a group of its own, so that requests are served in between.
    for (let left = limit; left > 0; ) {
      const step = await this.#enqueue('sweep', () => this.#records.sweep(Math.min(left, 200), this.#clock.now()))
      swept.expired += step.expired
      swept.forgotten += step.forgotten
      if (step.seen === 0) break
      left -= step.seen
    }
    return swept
  }

  async list(options: ListOptions): Promise<Page> {
    this.#prepare()
    return this.#read(() => this.#reader.list(options, this.#clock.now()))
  }

  async erase(id: string): Promise<boolean> {
    return this.#step('erase', id, (stored, nowMs) => {
      const record = transitions.asOf(stored, nowMs)
      if (record?.state !== 'completed') return { result: false }
      return { result: true, next: transitions.expire(record, nowMs) }
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.#writer.drained()
    this.#writer.close()
    this.#readConnection.close()
    this.#connection.close()
  }

  #write(id: string, write: (stored: OperationRecord | undefined, nowMs: number) => WriteResult): Promise<WriteResult> {
    return this.#step('write', id, (stored, nowMs) => {
      const result = write(stored, nowMs)
      return { result, next: result.kind === 'written' ? result.record : undefined }
    })
  }

  /** One transition of one record, applied while the write lock is held. */
  async #step<T>(kind: string, id: string, step: Step<T>): Promise<T> {
    let changed = false
    const result = await this.#enqueue(kind, () => {
      const found = this.#records.locate(id)
      const { result, next } = step(found?.record, this.#clock.now())
      changed = next !== undefined
      if (next !== undefined) this.#records.put(next, found)
      return result
    })
    // Who waits looks by a claim, which mostly changes nothing: to be woken by that would be to look all the time.
    if (changed) this.#watchers.wake(id)
    return result
  }

  async #enqueue<T>(kind: string, work: () => T): Promise<T> {
    this.#prepare()
    return new Promise((resolve, reject) => {
      let done: { readonly value: T } | { readonly error: RepriseError }
      this.#writer.enqueue({
        kind,
        waitUntilMs: this.#clock.monotonic() + this.#busyMs,
        run: () => {
          try {
            this.#connection.exec('savepoint step')
            const value = work()
            this.#connection.exec('release step')
            done = { value }
          } catch (error) {
            done = { error: unavailable(this.#file, error) }
            this.#undo(error)
          }
          return undefined
        },
        committed: () => ('value' in done ? resolve(done.value) : reject(done.error)),
        failed: reject,
        // Whoever sent the step sends it again, and it recognises its own success.
        uncertain: reject,
        unsynced: reject,
      })
    })
  }

  #undo(error: unknown): void {
    try {
      this.#connection.exec('rollback to step')
      this.#connection.exec('release step')
    } catch {
      // SQLite has rolled the whole group back by itself.
      this.#writer.abandonGroup(error)
    }
  }

  #read<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw unavailable(this.#file, error)
    }
  }

  #prepare(): void {
    this.#refuseClosed()
    if (this.#ready) return
    this.#read(() => requireSchema(this.#readConnection, this.#file))
    this.#ready = true
  }

  #refuseClosed(): void {
    if (this.#closed !== undefined) throw new RepriseError('store-closed', `The store of ${this.#file} is closed.`)
  }
}

/** Milliseconds for which opening a file waits, once, for whoever holds it. */
const openTimeoutMs = 2000

function open(driver: Driver, file: string): DriverConnection {
  let connection: DriverConnection | undefined
  try {
    connection = new driver(file)
    connection.exec(`pragma busy_timeout = ${openTimeoutMs}`)
    connection.exec('pragma journal_mode = wal')
    // The sync of each commit, which is what FULL adds, is done by log-sync.ts, off this thread.
    connection.exec('pragma synchronous = normal')
    // Ids are spread at random, so that nearly every attempt changes a page of its own: the usual 2 MB of cache would read
    // them back from the file, and the usual 4 MB of log would write each of them twice.
    connection.exec('pragma cache_size = -65536')
    connection.exec('pragma wal_autocheckpoint = 8000')
    // From here on waiting is ours: SQLite would wait with the event loop stopped.
    connection.exec('pragma busy_timeout = 0')
    return connection
  } catch (error) {
    connection?.close()
    throw unusable(file, error)
  }
}
