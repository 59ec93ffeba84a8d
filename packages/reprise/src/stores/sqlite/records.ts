/** Reading and writing rows on one connection. Knows nothing of transactions: whoever calls holds what is needed. */

import { integerOption } from '../../engine/options.ts'
import type { OperationRecord } from '../../engine/record.ts'
import type { ListOptions, Page } from '../../engine/store.ts'
import { asOf, dueAtMs } from '../../engine/transitions.ts'
import { decodeRow, encodeBody, encodeRecord, type Row } from './codec.ts'
import { type DriverConnection, takesArrays } from './driver.ts'
import { StatementCache } from './tx.ts'

const selectRow = 'select id, record, body from reprise_records where id = ?'
const putRow =
  'insert into reprise_records (id, state, name, due_at, record, body) values (?, ?, ?, ?, ?, ?) ' +
  'on conflict (id) do update set state = excluded.state, due_at = excluded.due_at, record = excluded.record, body = excluded.body'
const selectDue =
  'select id, record, body from reprise_records where due_at is not null and due_at <= ? order by due_at limit ?'
const selectPage =
  'select id, record, body from reprise_records ' +
  'where id > ? and (? is null or state in (?, ?)) and (? is null or name = ?) order by id limit ?'

export class Records {
  readonly statements: StatementCache
  /** The highest fence that was ever purged from the file. */
  fenceFloor = 0

  constructor(connection: DriverConnection) {
    this.statements = new StatementCache(connection, takesArrays(connection))
  }

  /** The record as it was written; `asOf` says what time has made of it. */
  find(id: string): OperationRecord | undefined {
    const row = this.statements.prepare(selectRow).get(...this.#bind([id])) as Row | undefined
    return row === undefined ? undefined : decodeRow(row)
  }

  put(record: OperationRecord): void {
    const parameters = [
      record.id,
      record.state,
      record.name,
      dueAtMs(record) ?? null,
      encodeRecord(record),
      encodeBody(record),
    ]
    this.statements.prepare(putRow).run(...this.#bind(parameters))
  }

  readFenceFloor(): void {
    const row = this.statements.prepare("select value from reprise_meta where name = 'fence_floor'").get() as
      | { value: number }
      | undefined
    this.fenceFloor = Number(row?.value ?? 0)
  }

  /** Retires and forgets at most `limit` due records; `seen` is how many there were. */
  sweep(limit: number, nowMs: number): { expired: number; forgotten: number; seen: number } {
    const rows = this.statements.prepare(selectDue).all(...this.#bind([nowMs, limit])) as Row[]
    let expired = 0
    let forgotten = 0
    let floor = this.fenceFloor
    for (const row of rows) {
      const stored = decodeRow(row)
      const record = asOf(stored, nowMs)
      if (record === undefined) {
        floor = Math.max(floor, stored.fence)
        this.statements.prepare('delete from reprise_records where id = ?').run(...this.#bind([row.id]))
        forgotten++
      } else {
        this.put(record)
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
    // A row that still says `completed` may have expired by now.
    const parameters = [
      options.cursor ?? '',
      state,
      state,
      state === 'expired' ? 'completed' : state,
      name,
      name,
      limit,
    ]
    const rows = this.statements.prepare(selectPage).all(...this.#bind(parameters)) as Row[]
    const items = rows
      .map((row) => asOf(decodeRow(row), nowMs))
      .filter((record): record is OperationRecord => record !== undefined && (state ?? record.state) === record.state)
    return { items, next: rows.length < limit ? undefined : rows.at(-1)?.id }
  }

  #bind(parameters: unknown[]): readonly unknown[] {
    return this.statements.asArray ? [parameters] : parameters
  }
}
