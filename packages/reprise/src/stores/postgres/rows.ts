/** Rows in a table of PostgreSQL: everything that arrives together is one statement, one commit and one round trip. */

import { RepriseError } from '../../engine/errors.ts'
import type { Row } from '../rows/codec.ts'
import type { Change, Exchanged, PageQuery, Rows } from '../rows/rows.ts'
import type { StoreTime } from '../rows/store-time.ts'
import type { PostgresClient, ResultRow } from './client.ts'
import { isPassing, sqlState, unavailable } from './faults.ts'
import { halves, idOf } from './ids.ts'
import { within } from './patience.ts'
import type { Statements } from './schema.ts'
import { arrayOf, bytea, bytesOf, type Statement, utf8, type Value } from './statement.ts'

/** The row of a result, and the id that it belongs to. */
export function rowOf(found: ResultRow, id: string = idOf(String(found.id), String(found.rest))): Row {
  if (idOf(halves(id).first, String(found.rest)) !== id) {
    throw new RepriseError('record-unreadable', `Another record shares the first half of its id with ${id}.`)
  }
  const body = found.body
  return {
    id,
    record: Buffer.from(bytesOf(found.record)).toString(),
    body: body === null || body === undefined ? null : bytesOf(body),
  }
}

/** The row that a statement of the store always has. */
export function answered(row: ResultRow | undefined): ResultRow {
  if (row !== undefined) return row
  throw new RepriseError(
    'store-unavailable',
    'The client gave an answer to something else. Behind a pooler such as PgBouncer pass prepare: false.',
  )
}

/** How often a statement that another transaction was in the way of is sent again: nothing of it was done. */
const tries = 5

/** `busyMs` is how long a connection, or an answer, is waited for. */
export function rowsOf<Tx>(client: PostgresClient<Tx>, statements: Statements, time: StoreTime, busyMs: number): Rows {
  async function query(statement: Statement, values: readonly Value[]): Promise<readonly ResultRow[]> {
    for (let tried = 1; ; tried++) {
      try {
        return await within(busyMs, (patience) => client.query(statement, values, patience))
      } catch (error) {
        if (tried === tries || !isPassing(error)) throw unavailable(error)
      }
    }
  }

  return {
    exchange: async (changes) => {
      const rows = await query(statements.exchange, valuesOf(changes))
      const byId = new Map(rows.map((row) => [String(row.id).replaceAll('-', ''), row]))
      const asked = changes.map(({ id }) => ({ id, row: answered(byId.get(halves(id).first)) }))
      time.heard(Number(asked[0]?.row.now))
      return asked.map(({ id, row }): Exchanged => {
        if (row.done === true) return { kind: 'done' }
        return { kind: 'found', row: row.record == null ? undefined : rowOf(row, id) }
      })
    },

    // A statement of many fails as one: for the fault of one of them, or because it met another in a deadlock.
    divides: (error) => sqlState((error as { cause?: unknown }).cause) !== undefined,

    due: async (nowMs, limit) => (await query(statements.due, [nowMs, limit])).map((row) => rowOf(row)),

    page: async ({ states, name, limit, cursor }: PageQuery) => {
      const open = states.length > 0 && states.every((state) => state === 'running' || state === 'unknown')
      const after = /^[0-9a-f]{32}$/.test(cursor ?? '') ? (cursor as string) : '0'.repeat(32)
      const rows = await query(open ? statements.openPage : statements.page, [
        states.length === 0 ? null : arrayOf(states),
        name === undefined ? null : utf8(name),
        after,
        limit,
      ])
      const last = rows.at(-1)
      const next = rows.length < limit || last === undefined ? undefined : String(last.id).replaceAll('-', '')
      return { rows: rows.map((row) => rowOf(row)), next }
    },
  }
}

function valuesOf(changes: readonly Change[]): readonly Value[] {
  const ids = changes.map(({ id }) => halves(id))
  return [
    arrayOf(ids.map(({ first }) => first)),
    arrayOf(ids.map(({ rest }) => rest)),
    // Who only looks names no row to be replaced.
    arrayOf(changes.map(({ from, to }) => (from === undefined || to === undefined ? null : utf8(from)))),
    arrayOf(changes.map(({ to }) => (to == null ? null : utf8(to.record)))),
    arrayOf(changes.map(({ to }) => (to == null ? null : bytea(to.body)))),
    arrayOf(changes.map(({ to }) => to?.dueAtMs ?? null)),
  ]
}
