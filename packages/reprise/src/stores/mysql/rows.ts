/** The rows on the server: exchanges in as few round trips as it lets them take, and decided by what lies there. */

import type { Clock } from '../../engine/clock.ts'
import { RepriseError } from '../../engine/errors.ts'
import type { Row } from '../rows/codec.ts'
import type { Change, Exchanged, PageQuery, Rows } from '../rows/rows.ts'
import type { StoreTime } from '../rows/store-time.ts'
import { errno, serverErrno, TooLarge, unavailable } from './faults.ts'
import { persevering } from './perseverance.ts'
import { countOf, plainly, rowsOf, type Session, type Sessions, type SqlRow, type Statement } from './session.ts'
import { type Believed, bears, inOrder, newMark, nowMs, rowOf, type Table, type Wanted } from './table.ts'

/** How long the server's time is carried on without asking. */
const timeOldMs = 10_000

interface Sorted {
  readonly fresh: readonly Wanted[]
  readonly over: readonly (Wanted & Believed)[]
  readonly gone: readonly Believed[]
  readonly looks: readonly string[]
}

/** What became of each id: written, or what lies there instead. */
type Found = Map<string, Row | 'done'>

const begin = [plainly('set transaction isolation level read committed'), plainly('start transaction')]
const commit = plainly('commit')
const time = rowsOf(`select ${nowMs} as now_ms`)

export class MysqlRows implements Rows {
  readonly #sessions: Sessions
  readonly #table: Table
  readonly #time: StoreTime
  readonly #clock: Clock
  #heardAtMs = Number.NEGATIVE_INFINITY

  constructor(sessions: Sessions, table: Table, time: StoreTime, clock: Clock) {
    this.#sessions = sessions
    this.#table = table
    this.#time = time
    this.#clock = clock
  }

  readonly divides = (error: unknown): boolean => {
    if (error instanceof TooLarge) return true
    const number = serverErrno(error instanceof RepriseError ? error.cause : error)
    return number === errno.packetTooLarge || number === errno.dataTooLong || number === errno.recordFileFull
  }

  async exchange(changes: readonly Change[]): Promise<readonly Exchanged[]> {
    const sorted = sort(changes)
    // Kept over all tries: sent again after a lost answer, the exchange knows its own writes.
    const mark = newMark()
    // A settlement that travels alone needs nothing around it.
    const alone = sorted.fresh.length === 0 && sorted.over.length + sorted.gone.length === 1
    const found = await this.#try((session) =>
      session.compound && !alone ? this.#atOnce(session, sorted, mark) : this.#oneByOne(session, sorted, mark),
    )
    return changes.map(({ id }): Exchanged => {
      const row = found.get(id)
      return row === 'done' ? { kind: 'done' } : { kind: 'found', row }
    })
  }

  async due(atMs: number, limit: number): Promise<readonly Row[]> {
    return this.#read(this.#table.due(atMs, limit))
  }

  async page(query: PageQuery): Promise<{ readonly rows: readonly Row[]; readonly next: string | undefined }> {
    const rows = await this.#read(this.#table.page(query))
    return { rows, next: rows.length < query.limit ? undefined : rows.at(-1)?.id }
  }

  /** MariaDB: one transaction in one round trip. */
  async #atOnce(session: Session, { fresh, over, gone, looks }: Sorted, mark: string): Promise<Found> {
    const writes = [...over.map((one) => this.#table.update(one, mark)), ...gone.map((one) => this.#table.remove(one))]
    const statements: Statement[] = []
    if (fresh.length > 0) statements.push(rowsOf(this.#table.insertOrGive(fresh, mark)))
    statements.push(...writes.map(countOf))
    if (statements.length > 0) {
      statements.unshift(...begin)
      statements.push(commit)
    }
    if (looks.length > 0) statements.push(rowsOf(this.#table.look(looks)))
    const asksTime = this.#asksTime()
    if (asksTime) statements.push(time)

    const answers = [...(await session.together(statements))]
    const found: Found = new Map()
    if (fresh.length > 0) gather(found, answers.shift() as readonly SqlRow[], mark)
    const left = [...over, ...gone].filter(({ id }) => !made(found, id, answers.shift()))
    if (looks.length > 0) gather(found, answers.shift() as readonly SqlRow[], mark)
    if (asksTime) this.#hear(answers.shift() as readonly SqlRow[])
    await this.#look(session, found, left, mark)
    return found
  }

  /** One round trip for each statement, as MySQL wants it. A single one commits by itself. */
  async #oneByOne(session: Session, { fresh, over, gone, looks }: Sorted, mark: string): Promise<Found> {
    const found: Found = new Map()
    const left: { readonly id: string }[] = looks.map((id) => ({ id }))
    const many = (fresh.length > 0 ? 1 : 0) + over.length + gone.length > 1
    if (many) await session.together(begin)
    if (fresh.length > 0) {
      try {
        await session.together([countOf(this.#table.insert(fresh, mark))])
        for (const { id } of fresh) found.set(id, 'done')
      } catch (error) {
        // One of them is there, so none was inserted. Those that are not there come again, without it.
        if (serverErrno(error) !== errno.duplicate) throw error
        left.push(...fresh)
      }
    }
    for (const one of over) {
      const [count] = await session.together([countOf(this.#table.update(one, mark))])
      if (!made(found, one.id, count)) left.push(one)
    }
    for (const one of gone) {
      const [count] = await session.together([countOf(this.#table.remove(one))])
      if (!made(found, one.id, count)) left.push(one)
    }
    // The single one, too, where the connection came with a transaction, or with autocommit off.
    if (many || session.inTransaction) await session.together([commit])
    await this.#look(session, found, left, mark)
    if (this.#asksTime()) {
      const [row] = await session.together([time])
      this.#hear(row as readonly SqlRow[])
    }
    return found
  }

  /** What lies there, and which of it bears the mark. */
  async #look(session: Session, found: Found, rows: readonly { readonly id: string }[], mark: string): Promise<void> {
    if (rows.length === 0) return
    const [there] = await session.together([rowsOf(this.#table.look(rows.map(({ id }) => id)))])
    gather(found, there as readonly SqlRow[], mark)
  }

  async #read(sql: string): Promise<readonly Row[]> {
    const [rows] = await this.#try((session) => session.together([rowsOf(sql)]))
    return (rows as readonly SqlRow[]).map((row) => rowOf(row))
  }

  async #try<T>(work: (session: Session) => Promise<T>): Promise<T> {
    try {
      return await persevering(this.#clock, () => this.#sessions.with(work))
    } catch (error) {
      throw unavailable(error)
    }
  }

  #asksTime(): boolean {
    return this.#clock.monotonic() - this.#heardAtMs > timeOldMs
  }

  #hear([row]: readonly SqlRow[]): void {
    this.#time.heard(Number(row?.now_ms))
    this.#heardAtMs = this.#clock.monotonic()
  }
}

function sort(changes: readonly Change[]): Sorted {
  const fresh: Wanted[] = []
  const over: (Wanted & Believed)[] = []
  const gone: Believed[] = []
  const looks: string[] = []
  for (const { id, from, to } of inOrder(changes)) {
    if (to === undefined) looks.push(id)
    else if (from !== undefined) {
      if (to === null) gone.push({ id, from })
      else over.push({ id, from, to })
    } else if (to === null) looks.push(id)
    else fresh.push({ id, to })
  }
  return { fresh, over, gone, looks }
}

function gather(found: Found, rows: readonly SqlRow[], mark: string): void {
  for (const each of rows) {
    const id = (each.id as Buffer).toString('base64url')
    found.set(id, bears(each, mark) ? 'done' : rowOf(each, id))
  }
}

/** Notes a change that was made, as the number of changed rows says. */
function made(found: Found, id: string, count: unknown): boolean {
  if (count !== 1) return false
  found.set(id, 'done')
  return true
}
