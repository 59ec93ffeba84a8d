/** The table, and every statement on it. Statements are made of names, numbers and hexadecimal digits: nothing is escaped. */

import { systemRandomness } from '../../engine/ids.ts'
import type { Row } from '../rows/codec.ts'
import type { Change, PageQuery, Written } from '../rows/rows.ts'
import type { SqlRow } from './session.ts'

/** Which table, by its names. */
export interface Place {
  readonly schema: string | undefined
  readonly table: string
}

const place = /^(?:([A-Za-z_][A-Za-z0-9_]{0,63})\.)?([A-Za-z_][A-Za-z0-9_]{0,63})$/

/** The place that `name` or `schema.name` names, if they are plain identifiers. */
export function placeOf(name: unknown): Place | undefined {
  const match = typeof name === 'string' ? place.exec(name) : null
  return match === null ? undefined : { schema: match[1], table: match[2] as string }
}

export function qualified({ schema, table }: Place): string {
  return schema === undefined ? `\`${table}\`` : `\`${schema}\`.\`${table}\``
}

export function bytes(value: Uint8Array): string {
  return `x'${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}'`
}

/** Text as its bytes in UTF-8, whatever character set the connection believes in. */
export function text(value: string): string {
  return `x'${Buffer.from(value).toString('hex')}'`
}

export function idBytes(id: string): string {
  return bytes(Buffer.from(id, 'base64url'))
}

/** A whole number, or `null`. */
export function number(value: number | undefined): string {
  if (value === undefined) return 'null'
  if (!Number.isSafeInteger(value)) throw new TypeError(`${value} is no whole number.`)
  return String(value)
}

/** Milliseconds since 1970 by the server's clock, whatever time zone a session has. */
export const nowMs = "timestampdiff(microsecond, '1970-01-01', utc_timestamp(3)) div 1000"

/** A row that is to be there. */
export interface Wanted {
  readonly id: string
  readonly to: Written
}

/** A row that has to say this. */
export interface Believed {
  readonly id: string
  readonly from: string
}

/** MariaDB waits for other transactions' locks no longer than this; MySQL as long as the server is set to. */
export type Patience = (sql: string) => string

export class Table {
  readonly #name: string
  readonly #patience: Patience

  constructor(place: Place, patience: Patience) {
    this.#name = qualified(place)
    this.#patience = patience
  }

  /** Fails with "duplicate entry" where one of the ids is there. `mark` is left on every row that this writes. */
  insert(rows: readonly Wanted[], mark: string): string {
    return this.#patience(this.#insert(rows, mark))
  }

  /** Inserts what is not there, and gives the mark of what is there then, and the row where it is another's: MariaDB only. */
  insertOrGive(rows: readonly Wanted[], mark: string): string {
    const others = (column: string): string => `if(mark = ${mark}, null, ${column}) as ${column}`
    // Giving the id what it has is no change: such a row is locked, looked at, and not written.
    const instead = `on duplicate key update id = values(id) returning id, mark, ${others('record')}, ${others(body)}`
    return this.#patience(`${this.#insert(rows, mark)} ${instead}`)
  }

  /**
   * Writes over a row that says what it is believed to say. One row and not many: what is gathered into one statement goes
   * through a table of its own, in which MariaDB cuts values short at 64 KiB without a word.
   */
  update({ id, from, to }: Wanted & Believed, mark: string): string {
    const values = valuesOf(to, mark)
    const set = columns.map((column, n) => `${column} = ${values[n]}`)
    return this.#patience(`update ${this.#name} set ${set.join(', ')} where ${is(id, from)}`)
  }

  /** Removes a row that says what it is believed to say. */
  remove({ id, from }: Believed): string {
    return this.#patience(`delete from ${this.#name} where ${is(id, from)}`)
  }

  look(ids: readonly string[]): string {
    return `select id, mark, record, ${body} from ${this.#name} where id in (${ids.map(idBytes).join(', ')})`
  }

  due(nowMs: number, limit: number): string {
    const rows = `select id, record, ${body} from ${this.#name} force index (due)`
    return `${rows} where due_at <= ${number(nowMs)} order by due_at limit ${number(limit)}`
  }

  page({ states, name, limit, cursor }: PageQuery): string {
    const open = states.length > 0 && states.every((state) => state === 'running' || state === 'unknown')
    const where = [`id > ${cursor === undefined ? "x''" : idBytes(cursor)}`]
    if (states.length > 0) where.push(`state in (${states.map((state) => `'${state}'`).join(', ')})`)
    // As bytes, because characters are compared without regard to spaces at their end.
    if (name !== undefined) where.push(`cast(name as binary) = ${text(name)}`)
    // Unfinished records have no end: the index of ends keeps them together, few among millions.
    const index = open ? 'due' : 'primary'
    if (open) where.push('due_at is null')
    const rows = `select id, record, ${body} from ${this.#name} force index (${index})`
    return `${rows} where ${where.join(' and ')} order by id limit ${number(limit)}`
  }

  #insert(rows: readonly Wanted[], mark: string): string {
    const values = rows.map(({ id, to }) => `(${[idBytes(id), ...valuesOf(to, mark)].join(', ')})`)
    return `insert into ${this.#name} (id, ${columns.join(', ')}) values ${values.join(', ')}`
  }
}

/** A word of the language in MariaDB's Oracle mode. */
const body = '`body`'
/** All columns but the id. */
const columns = ['mark', 'state', 'name', 'due_at', 'record', body]

function valuesOf(to: Written, mark: string): readonly string[] {
  const kept = to.body === null ? 'null' : bytes(to.body)
  return [mark, `'${to.state}'`, text(to.name), number(to.dueAtMs), text(to.record), kept]
}

/** A mark that no other write leaves: who finds it knows who wrote the row. */
export function newMark(): string {
  return bytes(Buffer.from(systemRandomness.attemptId(), 'base64url'))
}

/** The row bears this mark. */
export function bears(row: SqlRow, mark: string): boolean {
  return bytes(row.mark as Buffer) === mark
}

function is(id: string, from: string): string {
  return `id = ${idBytes(id)} and record = ${text(from)}`
}

/** A row as the server gives it. */
export function rowOf(row: SqlRow, id: string = (row.id as Buffer).toString('base64url')): Row {
  const kept = row as { record: Buffer; body: Buffer | null }
  // A copy: the driver's bytes are part of a larger buffer, which a small body would keep alive.
  return { id, record: kept.record.toString(), body: kept.body === null ? null : new Uint8Array(kept.body) }
}

/** The changes in the order of their ids: whoever locks rows locks them in this order, so that nobody waits in a circle. */
export function inOrder<C extends Pick<Change, 'id'>>(changes: readonly C[]): readonly C[] {
  return changes.toSorted((a, b) => (a.id < b.id ? -1 : 1))
}
