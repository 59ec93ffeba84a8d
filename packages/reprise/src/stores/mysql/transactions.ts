/** The transactions of this process, each on a connection of its own, and how others are met. */

import type { Clock } from '../../engine/clock.ts'
import type { OperationRecord, Running } from '../../engine/record.ts'
import type { BeginResult } from '../../engine/store.ts'
import type { Operation, Terms } from '../../engine/transitions.ts'
import * as transitions from '../../engine/transitions.ts'
import type { Watchers } from '../../engine/watchers.ts'
import { decodeRow } from '../rows/codec.ts'
import { fenceFloor } from '../rows/row-store.ts'
import type { Steps } from '../rows/steps.ts'
import type { StoreTime } from '../rows/store-time.ts'
import type { MysqlConnection } from './client.ts'
import { unavailable } from './faults.ts'
import { type LockNames, lockNames, releaseLocks } from './locks.ts'
import { farewell, type Isolation, look, type Opened, open } from './opening.ts'
import { persevering } from './perseverance.ts'
import type { Server } from './server.ts'
import { plainly, rowsOf, type Session, type Sessions } from './session.ts'
import type { Table } from './table.ts'
import type { MysqlTx } from './tx.ts'
import { Undertaking } from './undertaking.ts'

export interface TransactionParts<C extends MysqlConnection> {
  readonly sessions: Sessions<C>
  readonly table: Table
  readonly steps: Steps
  readonly time: StoreTime
  /** For leases. */
  readonly clock: Clock
  /** For what has to happen whatever time a test says it is. */
  readonly machineClock: Clock
  readonly watchers: Watchers
  readonly isolation: Isolation
  readonly server: () => Server
  /** Names the table among all of the server. */
  readonly where: () => string
}

/** What became of the attempt that came first: others of this process wait for its first look, rather than look as well. */
interface Entry {
  readonly looked: Promise<OperationRecord | undefined>
  undertaking: Undertaking | undefined
}

/** What stands for an attempt of another process, of which no more is known than that it is in flight. */
const another = 'A'.repeat(22)
const notThis = ''
/** Who waits for the locks of a connection that was killed does so for this long at most, in seconds. */
const killedWaitS = 5
/** A holder that is just going may have let go of one lock and not of the other: who meets it so looks again. */
const secondLookMs = 20

export class Transactions<C extends MysqlConnection> {
  readonly #parts: TransactionParts<C>
  readonly #entries = new Map<string, Entry>()
  readonly #idle: (() => void)[] = []

  constructor(parts: TransactionParts<C>) {
    this.#parts = parts
  }

  async begin(operation: Operation, terms: Terms, lost: () => void): Promise<BeginResult<MysqlTx<C>>> {
    const { id } = operation
    for (;;) {
      const entry = this.#entries.get(id)
      if (entry === undefined) break
      const { undertaking } = entry
      const running = undertaking?.running
      if (running !== undefined) return { kind: 'found', record: running }
      if (undertaking !== undefined) await undertaking.over
      else {
        const record = await entry.looked
        if (record !== undefined) return { kind: 'found', record }
      }
    }
    return this.#first(operation, terms, lost)
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    if (this.#entries.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  async #first(operation: Operation, terms: Terms, lost: () => void): Promise<BeginResult<MysqlTx<C>>> {
    let tell: (record: OperationRecord | undefined) => void = () => undefined
    const looked = new Promise<OperationRecord | undefined>((resolve) => {
      tell = resolve
    })
    const entry: Entry = { looked, undertaking: undefined }
    this.#entries.set(operation.id, entry)
    try {
      const begun = await this.#ask(operation, terms, lost)
      if ('kind' in begun) {
        // Of another's fingerprint this one may know no more than that it is another: that is no answer for the rest.
        tell(begun.record.fingerprint === notThis ? undefined : begun.record)
        return begun
      }
      entry.undertaking = begun
      tell(undefined)
      void begun.over.then(() => this.#remove(operation.id, entry))
      const { fence, attempts } = begun.granted
      const tx = begun.tx as unknown as MysqlTx<C>
      return { kind: 'granted', transaction: { tx, fence, number: attempts, end: (ending) => begun.end(ending) } }
    } catch (error) {
      tell(undefined)
      throw unavailable(error)
    } finally {
      if (entry.undertaking === undefined) this.#remove(operation.id, entry)
    }
  }

  #remove(id: string, entry: Entry): void {
    if (this.#entries.get(id) === entry) this.#entries.delete(id)
    this.#parts.watchers.wake(id)
    if (this.#entries.size === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  async #ask(
    operation: Operation,
    terms: Terms,
    lost: () => void,
  ): Promise<Undertaking | { kind: 'found'; record: OperationRecord }> {
    const { machineClock, time, sessions } = this.#parts
    const locks = lockNames(this.#parts.where(), operation.id, operation.fingerprint)
    for (let looks = 1; ; looks++) {
      // Nothing has been done before the look is answered, so it may be done again.
      const [session, opened] = await persevering(machineClock, async () => {
        const session = await sessions.borrow()
        return [session, await this.#look(session, operation, terms, locks)] as const
      })
      time.heard(opened.nowMs)
      const nowMs = time.now()
      let claimed: transitions.ClaimResult
      try {
        const stored = opened.row === undefined ? undefined : decodeRow(opened.row)
        claimed = transitions.claim(stored, operation, terms, nowMs, fenceFloor(nowMs))
      } catch (error) {
        await this.#part(session, locks, opened)
        throw error
      }
      if (claimed.kind === 'granted' && opened.met === 'nobody') {
        return this.#undertake(session, operation, terms, lost, locks, opened, claimed.record)
      }
      const parting = this.#part(session, locks, opened)
      if (claimed.kind === 'found') {
        if (!claimed.changed) return { kind: 'found', record: claimed.record }
        await parting
        const record = await this.#save(operation, terms)
        if (record !== undefined) return { kind: 'found', record }
      } else if (opened.met === 'same' || looks > 1) {
        const fingerprint = opened.met === 'same' ? operation.fingerprint : notThis
        return { kind: 'found', record: { ...claimed.record, attemptId: another, fingerprint } }
      } else {
        await parting
        await new Promise<void>((resolve) => machineClock.after(secondLookMs, resolve))
      }
    }
  }

  async #look(session: Session<C>, operation: Operation, terms: Terms, locks: LockNames): Promise<Opened> {
    const { table, isolation } = this.#parts
    try {
      return await look(session, table, operation.id, locks, isolation, terms.leaseMs)
    } catch (error) {
      // It may hold the locks already, or not.
      await this.#part(session, locks, { met: 'nobody', idleS: 'default' })
      throw error
    }
  }

  async #undertake(
    session: Session<C>,
    operation: Operation,
    terms: Terms,
    lost: () => void,
    locks: LockNames,
    opened: Opened,
    running: Running,
  ): Promise<Undertaking> {
    const { table, isolation, time, clock } = this.#parts
    try {
      await open(session, isolation, terms.leaseMs)
    } catch (error) {
      session.discard(error)
      throw error
    }
    return new Undertaking({
      session,
      table,
      operation,
      terms,
      row: opened.row,
      running,
      farewell: farewell(locks, opened),
      timeoutRollsBack: this.#parts.server().timeoutRollsBack,
      clock,
      now: () => time.now(),
      lost,
      kill: (why) => this.#kill(session, locks, opened.number, why),
      broken: () => this.#unknown(operation, terms),
    })
  }

  /** Nobody waits for this, but the next to use the connection. */
  #part(session: Session<C>, locks: LockNames, opened: Pick<Opened, 'met' | 'idleS'>): Promise<void> {
    return session.leave([plainly('rollback'), ...farewell(locks, opened)])
  }

  /** What time has made of the record is written down; `undefined` where it can be claimed by now. */
  #save(operation: Operation, terms: Terms): Promise<OperationRecord | undefined> {
    return this.#parts.steps.run(operation.id, (stored, nowMs) => {
      const claimed = transitions.claim(stored, operation, terms, nowMs, fenceFloor(nowMs))
      if (claimed.kind === 'granted') return { result: undefined }
      return { result: claimed.record, next: claimed.changed ? claimed.record : undefined }
    })
  }

  /** The effect of the attempt stands, or some of it: nobody may run it again before somebody has looked. */
  async #unknown(operation: Operation, terms: Terms): Promise<void> {
    await this.#parts.steps.run(operation.id, (stored, nowMs) => {
      const claimed = transitions.claim(stored, operation, { ...terms, begun: true }, nowMs, fenceFloor(nowMs))
      if (claimed.kind === 'found') return { result: undefined, next: claimed.changed ? claimed.record : undefined }
      const { id, attemptId, fence } = claimed.record
      const ending = { kind: 'unknown', reason: 'handler-failed' } as const
      return {
        result: undefined,
        next: transitions.settle(claimed.record, { id, attemptId, fence }, ending, nowMs).record,
      }
    })
  }

  /** Ends a connection that is in the middle of a statement, and waits until the server has undone what it did. */
  async #kill(session: Session<C>, locks: LockNames, number: number, why: Error): Promise<void> {
    session.discard(why)
    try {
      await this.#parts.sessions.with(async (killer) => {
        await killer.together([plainly(`kill ${number}`)])
        await killer.together([rowsOf(`select get_lock('${locks.any}', ${killedWaitS}) as free`)])
        await killer.together([plainly(releaseLocks(locks))])
      })
    } catch {
      // It is gone already, or can't be reached: then its own bound on idling ends it.
    }
  }
}
