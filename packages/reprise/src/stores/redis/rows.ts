/** The port of rows, over Redis: a record is a string, and an exchange is one script. */

import type { Clock } from '../../engine/clock.ts'
import { RepriseError } from '../../engine/errors.ts'
import { invalid } from '../../engine/options.ts'
import type { OperationRecord, Released } from '../../engine/record.ts'
import { decodeRow, type Row } from '../rows/codec.ts'
import { type Change, type Exchanged, type PageQuery, type Rows, written } from '../rows/rows.ts'
import { type StoreTime, serverTime } from '../rows/store-time.ts'
import { type Argument, type Connection, run } from './connection.ts'
import { unavailable } from './faults.ts'
import { encodeValue, type Layout, rowOf, type Shelf, shelfCount } from './layout.ts'
import type { ReplicatedSteps } from './replicas.ts'
import { done, exchange, found } from './scripts.ts'
import { dueIds, type Place, placesAfter } from './shelves.ts'
import { within } from './within.ts'

export interface RedisRowsParts {
  readonly connection: Connection
  readonly layout: Layout
  /** Where replicas are waited for. */
  readonly replicated: ReplicatedSteps | undefined
  readonly timeoutMs: number
  readonly time: StoreTime
  /** For what takes real time, whatever the records' clock says. */
  readonly clock: Clock
  /** Told when what should have been swept long ago is still there. */
  readonly overdue: () => void
}

type Reply = readonly [code: unknown, serverMs: unknown, rest: unknown]

/** A page that finds few records which are asked for ends after having looked at this many. */
const lookedAtMax = 2_000
/** How many are looked at in one go where not all of them are asked for. */
const lookedAtOnceMin = 200
const start: Place = { shelf: 0, score: '', id: '' }

/** No digest, so no operation's id. Should the process die before it is removed, the next sweep takes it for forgotten. */
const probeId = 'probe'
const probe: Released = {
  state: 'released',
  id: probeId,
  name: probeId,
  fingerprint: '',
  guarantee: 'guarded',
  fence: 0,
  attemptId: '',
  attempts: 0,
  createdAtMs: 0,
  releasedAtMs: 0,
  forgetAtMs: 0,
  steps: [],
}

export class RedisRows implements Rows {
  readonly #parts: RedisRowsParts
  /** The server's time also where records have a clock of their own: a step that comes too late is refused by it. */
  readonly #serverTime: StoreTime
  #sweptFrom = 0

  constructor(parts: RedisRowsParts) {
    this.#parts = parts
    this.#serverTime = serverTime(parts.clock)
  }

  /** Steps of this store come one at a time; several are several calls. */
  exchange(changes: readonly Change[]): Promise<readonly Exchanged[]> {
    return Promise.all(changes.map((change) => this.#exchange(change)))
  }

  /** Asks for nothing but the time. */
  async hear(): Promise<void> {
    await this.#exchange({ id: probeId, from: undefined, to: undefined })
  }

  /** Writes a record that is none, and removes it: whether the account may, and the server can. */
  async probe(): Promise<void> {
    const nowMs = this.#parts.clock.now()
    const to = written({ ...probe, createdAtMs: nowMs, releasedAtMs: nowMs, forgetAtMs: nowMs })
    await this.#exchange({ id: probeId, from: undefined, to })
    await this.#exchange({ id: probeId, from: to.record, to: null })
  }

  async due(nowMs: number, limit: number): Promise<readonly Row[]> {
    const { connection, layout } = this.#parts
    const { ids, next } = await this.#bounded(dueIds(connection, layout.shelves, this.#sweptFrom, nowMs, limit))
    this.#sweptFrom = next
    return (await this.#look(ids)).filter((row) => row !== undefined)
  }

  async page({ states, name, limit, cursor }: PageQuery): Promise<{ rows: readonly Row[]; next: string | undefined }> {
    const { connection, layout } = this.#parts
    const rows: Row[] = []
    let place = cursor === undefined ? start : placeOf(cursor)
    const lookedAtOnce = states.length === 0 && name === undefined ? 0 : lookedAtOnceMin
    for (let lookedAt = 0; lookedAt < lookedAtMax; ) {
      const wanted = Math.max(limit - rows.length, lookedAtOnce)
      const { places, end } = await this.#bounded(placesAfter(connection, layout.shelves, states, place, wanted))
      const looked = await this.#look(places.map(({ id }) => id))
      for (const [n, row] of looked.entries()) {
        place = places[n] as Place
        if (row === undefined || !fits(decodeRow(row), states, name)) continue
        rows.push(row)
        if (rows.length === limit) return { rows, next: cursorOf(place) }
      }
      if (end) return { rows, next: undefined }
      lookedAt += places.length
    }
    return { rows, next: cursorOf(place) }
  }

  /** What lies there for each of these ids. */
  async #look(ids: readonly string[]): Promise<readonly (Row | undefined)[]> {
    const looked = await this.exchange(ids.map((id) => ({ id, from: undefined, to: undefined })))
    return looked.map((found) => (found.kind === 'found' ? found.row : undefined))
  }

  async #exchange(change: Change): Promise<Exchanged> {
    const { clock, timeoutMs, time } = this.#parts
    const untilMs = clock.monotonic() + timeoutMs
    for (let leftMs = timeoutMs; leftMs > 0; leftMs = untilMs - clock.monotonic()) {
      const [code, serverMs, rest] = (await this.#bounded(this.#send(change, leftMs), leftMs)) as Reply
      // A client may have been told to give numbers as texts.
      const heardMs = Number(serverMs)
      this.#serverTime.heard(heardMs)
      time.heard(heardMs)
      switch (Number(code)) {
        case done:
          if (Number(rest) > 0) this.#parts.overdue()
          return { kind: 'done' }
        case found:
          return { kind: 'found', row: rest === null ? undefined : rowOf(change.id, rest as Buffer) }
      }
      // Either it really was too late, or this server's clock is ahead of what was known: then once more.
    }
    throw overdue(timeoutMs)
  }

  #send({ id, from, to }: Change, leftMs: number): Promise<unknown> {
    const { connection, layout, replicated } = this.#parts
    const shelf = layout.shelves[layout.shelfOf(id)] as Shelf
    const args: Argument[] =
      to === undefined
        ? ['', 'look']
        : [
            this.#deadline(leftMs),
            to === null ? 'drop' : 'put',
            from ?? '',
            id,
            to === null ? '' : encodeValue(to),
            `${to?.dueAtMs ?? '-inf'}`,
            to?.state === 'running' ? '' : layout.channel(id),
          ]
    const keys = [layout.record(id), shelf.index] as const
    return replicated === undefined
      ? run(connection, exchange, keys, args)
      : replicated.run(shelf.index, exchange, [...keys, shelf.mark], args)
  }

  /**
   * A client may keep a command for longer than anybody waits for it, and send it when the server is back. What would then
   * be written nobody would know of, so the server refuses it.
   */
  #deadline(leftMs: number): string {
    const untilMs = this.#serverTime.now() + leftMs
    return Number.isNaN(untilMs) ? '' : `${Math.floor(untilMs)}`
  }

  async #bounded<T>(answer: Promise<T>, ms: number = this.#parts.timeoutMs): Promise<T> {
    try {
      return await within(this.#parts.clock, ms, answer, () => overdue(this.#parts.timeoutMs))
    } catch (error) {
      throw unavailable(error)
    }
  }
}

function overdue(timeoutMs: number): RepriseError {
  return new RepriseError('store-unavailable', `Redis did not answer within ${timeoutMs} ms.`)
}

function fits(record: OperationRecord, states: PageQuery['states'], name: string | undefined): boolean {
  return (states.length === 0 || states.includes(record.state)) && (name ?? record.name) === record.name
}

function cursorOf({ shelf, score, id }: Place): string {
  return `${shelf}:${score}:${id}`
}

function placeOf(cursor: string): Place {
  const [, shelf = '', score = '', id = ''] = /^(\d{1,3}):(-inf|[\d.e+]{0,25}):(.*)$/s.exec(cursor) ?? []
  if (shelf === '' || Number(shelf) >= shelfCount) {
    throw invalid('list()', 'cursor', cursor, '`next` of the page before')
  }
  return { shelf: Number(shelf), score, id }
}
