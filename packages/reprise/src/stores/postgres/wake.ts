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
import { within } from './patience.ts'
import type { Statements } from './schema.ts'
import { arrayOf, type Statement, statementOf } from './statement.ts'

/** How long conclusions are gathered before those who wait are told. */
const gatherMs = 20
/** How often a record is looked at while nobody would tell. */
const pollMs = 50
/** How often it is looked at although somebody will: whoever concluded it may have died before telling. */
const doubtMs = 1000
/** How long the lock of an id is kept after its last watch: who has been woken looks, and mostly watches again. */
const lockedMs = 200
/** How long the connection is kept after the last watch of all. */
const lingerMs = 5000
/** The locks of all sessions share a table of some thousands: whoever waits for more operations than this looks instead. */
const lockedMax = 500
const toldAtOnce = 200

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

export interface WakeParts<Tx> {
  readonly client: PostgresClient<Tx>
  readonly statements: Statements
  /** The channel on which those who wait are told. */
  readonly channel: () => string
  readonly clock: Clock
  /** How long a connection, or an answer, is waited for. */
  readonly busyMs: number
}

export class Wake<Tx> {
  readonly #parts: WakeParts<Tx>
  readonly #watchers = new Watchers()
  readonly #concluded = new Set<string>()
  /** How many watch each id here, and the ids whose lock is held, or is being taken. */
  readonly #watched = new Map<string, number>()
  readonly #locked = new Map<string, Promise<boolean>>()
  /** What is asked in this turn of the loop. Locks are counted, so it does not matter which statement comes first. */
  readonly #asking = new Map<Statement, { readonly ids: string[]; readonly answer: Promise<boolean> }>()
  #listening: Promise<Listening | undefined> | undefined
  #telling = false
  #closed = false
  #cancelLinger: () => void = () => undefined

  constructor(parts: WakeParts<Tx>) {
    this.#parts = parts
  }

  /** A record has changed to this; where its operation has come to a rest, other processes are told. */
  concluded(id: string, to: Written | null | undefined): void {
    const { client, clock } = this.#parts
    this.#watchers.wake(id)
    if (client.listen === undefined || this.#closed || to == null || to.state === 'running') return
    this.#concluded.add(id)
    if (this.#telling) return
    this.#telling = true
    clock.after(gatherMs, () => void this.#tell(), 'background')
  }

  /** Resolves when the record may have changed, or when `signal` aborts. */
  async watch(id: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const over = new AbortController()
    const stop = (): void => over.abort()
    signal.addEventListener('abort', stop)
    const told = this.#watchers.watch(id, over.signal)
    try {
      if (this.#parts.client.listen === undefined || this.#closed) await told
      else await Promise.race([told, this.#watchElsewhere(id, over.signal)])
    } finally {
      signal.removeEventListener('abort', stop)
      over.abort()
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelLinger()
    await this.#drop()
  }

  /** Resolves when it is time to look again, for whatever may have happened in other processes. */
  async #watchElsewhere(id: string, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    this.#cancelLinger()
    this.#watched.set(id, (this.#watched.get(id) ?? 0) + 1)
    try {
      const holding = this.#locked.get(id)
      // What changed before the lock was there is told to nobody: whoever has taken it looks once more.
      if (await (holding ?? this.#lock(id))) {
        if (holding !== undefined) await sleep(clock, doubtMs, signal)
      } else await sleep(clock, pollMs, signal)
    } finally {
      const left = (this.#watched.get(id) ?? 1) - 1
      if (left > 0) this.#watched.set(id, left)
      else this.#watched.delete(id)
      if (left === 0 && !this.#closed) clock.after(lockedMs, () => this.#unlock(id), 'background')
      if (this.#watched.size === 0 && !this.#closed) this.#linger()
    }
  }

  /** Says that somebody waits for this id. False where nobody would tell them. */
  #lock(id: string): Promise<boolean> {
    if (this.#locked.size >= lockedMax) return Promise.resolve(false)
    const locking = this.#run(wait, id)
    this.#locked.set(id, locking)
    return locking
  }

  /** Nobody waits for this id any more. */
  #unlock(id: string): void {
    if (this.#watched.has(id) || !this.#locked.delete(id)) return
    void this.#run(waitNoMore, id)
  }

  /** Runs a statement for this id, and for all others of this turn of the loop. */
  #run(statement: Statement, id: string): Promise<boolean> {
    const asking = this.#asking.get(statement)
    if (asking !== undefined) {
      asking.ids.push(id)
      return asking.answer
    }
    const ids = [id]
    const turn = new Promise<void>((resolve) => this.#parts.clock.soon(resolve))
    const answer = turn.then(() => {
      this.#asking.delete(statement)
      return this.#ask(statement, ids)
    })
    this.#asking.set(statement, { ids, answer })
    return answer
  }

  /** Runs a statement on the connection that listens. False where there is none, or none any more. */
  async #ask(statement: Statement, ids: readonly string[]): Promise<boolean> {
    // Where no connection is left there is nothing to be given back.
    if (this.#listening === undefined && statement === waitNoMore) return false
    this.#listening ??= this.#listen()
    const listening = this.#listening
    try {
      const values = [arrayOf(ids.map(waitingLock))]
      return await within(this.#parts.busyMs, async () => {
        const connection = await listening
        await connection?.run(statement, values)
        return connection !== undefined
      })
    } catch {
      this.#lost(listening)
      return false
    }
  }

  #listen(): Promise<Listening | undefined> {
    const { client, channel, clock } = this.#parts
    const heard = (payload: string): void => {
      const hex = payload.replaceAll('-', '')
      if (hex.length === 64) this.#watchers.wake(idOf(hex.slice(0, 32), hex.slice(32)))
    }
    const listening = Promise.resolve(client.listen?.(channel(), heard, () => this.#lost(listening))).catch(() => {
      // Asked again after a pause: until then the record is polled.
      clock.after(doubtMs, () => this.#lost(listening), 'background')
      return undefined
    })
    return listening
  }

  /** This connection is of no use any more, and what it held and heard is lost. */
  #lost(listening: Promise<Listening | undefined>): void {
    if (this.#listening === listening) void this.#drop()
  }

  #linger(): void {
    // Gives the connection back, with its locks, when nobody has watched for a while.
    this.#cancelLinger = this.#parts.clock.after(lingerMs, () => void this.#rest(), 'background')
  }

  async #rest(): Promise<void> {
    if (this.#watched.size === 0) await this.#drop()
  }

  /** Gives the connection back, whatever state it is in. Who waits looks again. */
  async #drop(): Promise<void> {
    const listening = this.#listening
    this.#listening = undefined
    this.#locked.clear()
    this.#watchers.wakeAll()
    try {
      await (await listening)?.end()
    } catch {
      // It was lost, and what it held with it.
    }
  }

  async #tell(): Promise<void> {
    const { client, statements, clock, busyMs } = this.#parts
    const ids = [...this.#concluded].slice(0, toldAtOnce)
    for (const id of ids) this.#concluded.delete(id)
    const values = [
      arrayOf(ids.map(waitingLock)),
      arrayOf(ids.map((id) => halves(id).first)),
      arrayOf(ids.map((id) => halves(id).rest)),
    ]
    try {
      await within(busyMs, (patience) => client.query(statements.tell, values, patience))
    } catch {
      // Who waits looks again by itself.
    }
    // Those that did not fit in are not kept waiting for more to come.
    const pauseMs = this.#concluded.size < toldAtOnce ? gatherMs : 0
    if (this.#concluded.size > 0 && !this.#closed) clock.after(pauseMs, () => void this.#tell(), 'background')
    else this.#telling = false
  }
}
