/**
 * Who waits for an operation that another process is running is woken by the server. To notify at every commit would make
 * all commits of the database wait for each other, so those who wait say so, by a shared lock of their session, and those
 * who conclude look for that lock: some microseconds where nobody waits, in a statement that many conclusions share.
 */

import { type Clock, sleep } from '../../engine/clock.ts'
import { Watchers } from '../../engine/watchers.ts'
import type { Written } from '../rows/rows.ts'
import type { Listening, PostgresClient } from './client.ts'
import { halves, idOf, waitingLock } from './ids.ts'
import type { Statements } from './schema.ts'
import { arrayOf, statementOf } from './statement.ts'

/** How long conclusions are gathered before those who wait are told. */
const gatherMs = 5
/** How often a record is looked at while nobody would tell. */
const pollMs = 50
/** How often it is looked at although somebody will: whoever concluded it may have died before telling. */
const doubtMs = 1000
/** How long the lock of an id is kept after its last watch: who has been woken looks, and mostly watches again. */
const lockedMs = 200
/** How long the connection is kept after the last watch of all. */
const lingerMs = 5000
const toldAtOnce = 1000

const wait = statementOf(
  'reprise_wait',
  ['bigint[]'],
  'select pg_advisory_lock_shared(waiting) from unnest($1) as t (waiting)',
)
const waitNoMore = statementOf(
  'reprise_wait_no_more',
  ['bigint[]'],
  'select pg_advisory_unlock_shared(waiting) from unnest($1) as t (waiting)',
)

export class Wake<Tx> {
  readonly #client: PostgresClient<Tx>
  readonly #statements: Statements
  readonly #channel: string
  readonly #clock: Clock
  readonly #watchers = new Watchers()
  readonly #concluded = new Set<string>()
  /** How many watch each id here, and the ids whose lock is held. */
  readonly #watched = new Map<string, number>()
  readonly #locked = new Set<string>()
  #listening: Promise<Listening | undefined> | undefined
  #telling = false
  #closed = false
  #cancelLinger: () => void = () => undefined

  constructor(client: PostgresClient<Tx>, statements: Statements, channel: string, clock: Clock) {
    this.#client = client
    this.#statements = statements
    this.#channel = channel
    this.#clock = clock
  }

  /** A record has changed to this; where its operation has come to a rest, other processes are told. */
  concluded(id: string, to: Written | null | undefined): void {
    this.#watchers.wake(id)
    if (this.#client.listen === undefined || this.#closed || to == null || to.state === 'running') return
    this.#concluded.add(id)
    if (this.#telling) return
    this.#telling = true
    this.#clock.after(gatherMs, () => void this.#tell(), 'background')
  }

  /** Resolves when the record may have changed, or when `signal` aborts. */
  async watch(id: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const over = new AbortController()
    const stop = (): void => over.abort()
    signal.addEventListener('abort', stop)
    const told = this.#watchers.watch(id, over.signal)
    try {
      if (this.#client.listen === undefined || this.#closed) await told
      else await Promise.race([told, this.#watchElsewhere(id, over.signal)])
    } finally {
      signal.removeEventListener('abort', stop)
      over.abort()
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelLinger()
    this.#watchers.wakeAll()
    const listening = await this.#listening
    this.#listening = undefined
    await listening?.end()
  }

  /** Resolves when it is time to look again, for whatever may have happened in other processes. */
  async #watchElsewhere(id: string, signal: AbortSignal): Promise<void> {
    this.#cancelLinger()
    this.#watched.set(id, (this.#watched.get(id) ?? 0) + 1)
    try {
      const before = this.#locked.has(id)
      const listens = before || (await this.#lock(id))
      if (!listens) return await sleep(this.#clock, pollMs, signal)
      // What changed before the lock was there is told to nobody.
      if (!before) return
      await sleep(this.#clock, doubtMs, signal)
    } finally {
      const left = (this.#watched.get(id) ?? 1) - 1
      if (left > 0) this.#watched.set(id, left)
      else this.#watched.delete(id)
      if (left === 0 && !this.#closed) this.#clock.after(lockedMs, () => this.#unlock(id), 'background')
      if (this.#watched.size === 0 && !this.#closed) this.#linger()
    }
  }

  /** Says that somebody waits for this id. False where the server can't be listened to. */
  async #lock(id: string): Promise<boolean> {
    this.#listening ??= this.#listen()
    const listening = await this.#listening
    if (listening === undefined) return false
    if (this.#locked.has(id)) return true
    this.#locked.add(id)
    try {
      await listening.run(wait, [arrayOf([waitingLock(id)])])
      return true
    } catch {
      this.#lost()
      return false
    }
  }

  /** Nobody waits for this id any more. */
  #unlock(id: string): void {
    if (this.#watched.has(id) || !this.#locked.delete(id)) return
    this.#listening
      ?.then((listening) => listening?.run(waitNoMore, [arrayOf([waitingLock(id)])]))
      .catch(() => this.#lost())
  }

  async #listen(): Promise<Listening | undefined> {
    try {
      return await this.#client.listen?.(
        this.#channel,
        (payload) => {
          const hex = payload.replaceAll('-', '')
          if (hex.length === 64) this.#watchers.wake(idOf(hex.slice(0, 32), hex.slice(32)))
        },
        () => this.#lost(),
      )
    } catch {
      // Asked again after a pause: until then the record is polled.
      this.#clock.after(doubtMs, () => this.#lost(), 'background')
      return undefined
    }
  }

  #lost(): void {
    this.#listening = undefined
    this.#locked.clear()
    this.#watchers.wakeAll()
  }

  #linger(): void {
    this.#cancelLinger = this.#clock.after(lingerMs, () => void this.#rest(), 'background')
  }

  /** Gives the connection back, with its locks, when nobody has watched for a while. */
  async #rest(): Promise<void> {
    if (this.#watched.size > 0) return
    const listening = this.#listening
    this.#listening = undefined
    this.#locked.clear()
    await (await listening)?.end()
  }

  async #tell(): Promise<void> {
    const ids = [...this.#concluded].slice(0, toldAtOnce)
    for (const id of ids) this.#concluded.delete(id)
    try {
      await this.#client.query(this.#statements.tell, [
        arrayOf(ids.map(waitingLock)),
        arrayOf(ids.map((id) => halves(id).first)),
        arrayOf(ids.map((id) => halves(id).rest)),
      ])
    } catch {
      // Who waits looks again by itself.
    }
    if (this.#concluded.size > 0 && !this.#closed) this.#clock.after(gatherMs, () => void this.#tell(), 'background')
    else this.#telling = false
  }
}
