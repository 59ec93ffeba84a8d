/** Reading and writing rows on one connection. Knows nothing of transactions: whoever calls holds what is needed. */

import { integerOption } from '../../engine/options.ts'
import type { OperationRecord } from '../../engine/record.ts'
import type { ListOptions, Page } from '../../engine/store.ts'
import { asOf, dueAtMs } from '../../engine/transitions.ts'
import { bodyOf, decodeRow, encodeRecord } from '../rows/codec.ts'
import { decodeBody, encodeBody, type StoredBody } from './body.ts'
import { type DriverConnection, takesArrays } from './driver.ts'
import { StatementCache } from './tx.ts'

const columns = 'rowid as position, id, record, body'
const selectRow = `select ${columns} from reprise_records where bucket = ? and id = ?`
const insertRow =
  'insert into reprise_records (bucket, id, state, name, due_at, record, body) values (?, ?, ?, ?, ?, ?, ?)'
const updateRow = 'update reprise_records set state = ?, due_at = ?, record = ?, body = ? where rowid = ?'
const selectDue = `select ${columns} from reprise_records where due_at is not null and due_at <= ? order by due_at limit ?`
const selectPage =
  `select ${columns} from reprise_records ` +
  'where rowid > ? and (? is null or state in (?, ?)) and (? is null or name = ?) order by rowid limit ?'
/** Unfinished records have an index of their own, so that the few of them are found among millions. */
const selectOpen =
  `select ${columns} from reprise_records ` +
  'where due_at is null and state = ? and rowid > ? and (? is null or name = ?) order by rowid limit ?'

/** A record and where it lies. */
export interface Located {
  readonly position: number
  readonly record: OperationRecord
}

interface LocatedRow {
  readonly position: number
  readonly id: string
  readonly record: string
  readonly body: StoredBody
}

export class Records {
  readonly statements: StatementCache
  /** The highest fence that was ever purged from the file. */
  fenceFloor = 0

  constructor(connection: DriverConnection) {
    this.statements = new StatementCache(connection, takesArrays(connection))
  }

  /** The record as it was written; `asOf` says what time has made of it. */
  find(id: string): OperationRecord | undefined {
    return this.locate(id)?.record
  }

  locate(id: string): Located | undefined {
    const row = this.statements.prepare(selectRow).get(...this.#bind([bucketOf(id), id])) as LocatedRow | undefined
    return row === undefined ? undefined : { position: row.position, record: decode(row) }
  }

  /**
   * Writes a record over the one that was found, or anew where none was. No constraint says that an id is there once:
   * whoever writes has looked under the write lock that it still holds.
   */
  put(record: OperationRecord, over: Located | undefined): void {
    const dueAt = dueAtMs(record) ?? null
    const [text, body] = [encodeRecord(record), encodeBody(bodyOf(record))]
    if (over === undefined) {
      const parameters = [bucketOf(record.id), record.id, record.state, record.name, dueAt, text, body]
      this.statements.prepare(insertRow).run(...this.#bind(parameters))
    } else {
      this.statements.prepare(updateRow).run(...this.#bind([record.state, dueAt, text, body, over.position]))
    }
  }

  readFenceFloor(): void {
    const row = this.statements.prepare("select value from reprise_meta where name = 'fence_floor'").get() as
      | { value: number }
      | undefined
    this.fenceFloor = Number(row?.value ?? 0)
  }

  /** Retires and forgets at most `limit` due records; `seen` is how many there were. */
  sweep(limit: number, nowMs: number): { expired: number; forgotten: number; seen: number } {
    const rows = this.statements.prepare(selectDue).all(...this.#bind([nowMs, limit])) as LocatedRow[]
    let expired = 0
    let forgotten = 0
    let floor = this.fenceFloor
    for (const row of rows) {
      const stored = decode(row)
      const record = asOf(stored, nowMs)
      if (record === undefined) {
        floor = Math.max(floor, stored.fence)
        this.statements.prepare('delete from reprise_records where rowid = ?').run(...this.#bind([row.position]))
        forgotten++
      } else {
        this.put(record, { position: row.position, record: stored })
        expired++
      }
    }
    if (floor > this.fenceFloor) {
      this.statements
        .prepare("update reprise_meta set value = ? where name = 'fence_floor'")
        .run(...this.#bind([floor]))
      this.fenceFloor = floor
    }
    return { expired, forgotten, seen: rows.length }
  }

  /** A page may hold fewer than its limit where time has changed what a row says; `next` is what tells the last one. */
  list(options: ListOptions, nowMs: number): Page {
    const limit = integerOption('list()', 'limit', options.limit, { fallback: 100, min: 1, max: 1000 })
    const state = options.state ?? null
    const name = options.name ?? null
    const after = Number(options.cursor ?? 0)
    const open = state === 'running' || state === 'unknown'
    // A row that still says `completed` may have expired by now.
    const also = state === 'expired' ? 'completed' : state
    const rows = this.statements
      .prepare(open ? selectOpen : selectPage)
      .all(
        ...this.#bind(open ? [state, after, name, name, limit] : [after, state, state, also, name, name, limit]),
      ) as LocatedRow[]
    const items = rows
      .map((row) => asOf(decode(row), nowMs))
      .filter((record): record is OperationRecord => record !== undefined && (state ?? record.state) === record.state)
    return { items, next: rows.length < limit ? undefined : String(rows.at(-1)?.position) }
  }

  #bind(parameters: unknown[]): readonly unknown[] {
    return this.statements.asArray ? [parameters] : parameters
  }
}

function decode({ id, record, body }: LocatedRow): OperationRecord {
  return decodeRow({ id, record, body: decodeBody(body) })
}

/**
 * A 52-bit number for an id (two lanes of FNV-1a). Rows are appended in the order in which they come and found by this
 * number: an index of numbers has so many entries to a page that few pages change with each commit, where one of ids would
 * have nearly every attempt write a page of its own. Ids that share a number are told apart by themselves.
 */
export function bucketOf(id: string): number {
  let low = 0x811c9dc5
  let high = 0x01000193
  for (let i = 0; i < id.length; i++) {
    const code = id.charCodeAt(i)
    low = Math.imul(low ^ code, 0x01000193)
    high = Math.imul(high ^ code, 0x811c9dc5)
  }
  return (high >>> 12) * 0x1_0000_0000 + (low >>> 0)
}
