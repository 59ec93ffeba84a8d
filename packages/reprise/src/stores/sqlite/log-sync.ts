/**
 * Makes committed transactions durable, while the next ones are already running.
 *
 * With `synchronous=FULL` SQLite itself syncs its write-ahead log inside COMMIT, and the whole process stands still for it.
 * With NORMAL it leaves out just that sync and keeps all others (of the log before it is copied into the database, of the
 * database after, of the log's header when it starts again). So the one that is left out is done here, on a thread of
 * its own, and whoever waits for a commit is told only after it: the same promise as FULL.
 */

import { closeSync, fdatasync, openSync } from 'node:fs'

export class LogSync {
  readonly #log: string
  #descriptor: number | undefined
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  /** `file` is the database; its log has the same name with `-wal`. */
  constructor(file: string) {
    this.#log = `${file}-wal`
  }

  /** Resolves when everything that was committed before this call is durable. Calls that come together share one sync. */
  sync(): Promise<void> {
    // One that is already running may have started before the commit; the next one certainly has not.
    if (this.#running === undefined) return this.#start()
    this.#next ??= this.#running.then(
      () => this.#start(),
      () => this.#start(),
    )
    return this.#next
  }

  /** What is under way, for those who read what may not be durable yet. */
  get pending(): Promise<void> | undefined {
    return this.#next ?? this.#running
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }

  #start(): Promise<void> {
    this.#next = undefined
    const running = this.#syncOnce().finally(() => {
      if (this.#running === running) this.#running = undefined
    })
    this.#running = running
    return running
  }

  async #syncOnce(): Promise<void> {
    // Writable, because not every system syncs through a descriptor that can only read.
    this.#descriptor ??= openSync(this.#log, 'r+')
    const descriptor = this.#descriptor
    await new Promise<void>((resolve, reject) => {
      fdatasync(descriptor, (error) => (error === null ? resolve() : reject(error)))
    })
  }
}
