// Every call fails once, before and after it was applied; then everything is sent again. Whatever n was, no effect happens
// twice, nobody is told two things, and nothing is left that never ends.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { failNth } from '@reprise/testkit'
import Database from 'libsql'
import type { Store } from 'reprise'
import { type MemoryTx, memory } from 'reprise/memory'
import { type Driver, type SqliteTx, sqlite } from 'reprise/sqlite'
import { describe, expect, test } from 'vitest'
import { type Effects, live, type Report } from './scenarios.ts'

interface Subject<Tx> {
  readonly store: Store<Tx>
  readonly effects: Effects<Tx>
  dispose(): Promise<void>
}

function inMemory(): Subject<MemoryTx> {
  const store = memory()
  return {
    store,
    effects: {
      make: (tx, key) => tx.set(key, ((tx.get(key) as number | undefined) ?? 0) + 1),
      count: (key) => (store.data.get(key) as number | undefined) ?? 0,
    },
    dispose: () => store.close(),
  }
}

async function inFile(driver?: Driver): Promise<Subject<SqliteTx>> {
  const folder = mkdtempSync(join(tmpdir(), 'reprise-nth-'))
  const file = join(folder, 'app.db')
  const db = new Database(file)
  db.exec('create table effects (key text)')
  const store = sqlite({ file, ...(driver === undefined ? {} : { driver }) })
  await store.migrate()
  return {
    store,
    effects: {
      make: (tx, key) => tx.prepare('insert into effects values (?)').run([key]),
      count: (key) => (db.prepare('select count(*) as n from effects where key = ?').get([key]) as { n: number }).n,
    },
    dispose: async () => {
      await store.close()
      db.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** What is wrong with what was told and what happened; empty where all is well. */
function faults<Tx>({ key, guarantee, told, foreign }: Report, effects: Effects<Tx>): string[] {
  const happened = guarantee === 'transactional' ? effects.count(key) : foreign
  const outcomes = told.filter((what) => what.startsWith('value'))
  const afterFirst = outcomes.length === 0 ? [] : told.slice(told.indexOf(outcomes[0] as string))
  const found: string[] = []
  if (happened > 1) found.push(`${happened} effects`)
  if (new Set(outcomes).size > 1) found.push('different outcomes')
  if (outcomes.length > 0 && happened !== 1) found.push('an outcome without its effect')
  // Once told, an outcome is told for ever; a store that can't be asked says so, which is no outcome.
  if (afterFirst.some((what) => !/^(?:value|threw)/.test(what))) found.push('an outcome was taken back')
  return found.map((what) => `${key}: ${what} (${told.join(', ')})`)
}

function judge<Tx>(reports: Map<string, Report>, effects: Effects<Tx>): void {
  expect([...reports.values()].flatMap((report) => faults(report, effects))).toEqual([])
  expect(reports.get('create')?.told.at(-1), 'create ends').toBe('value create')
  expect(effects.count('undone'), 'undone leaves nothing').toBe(0)
  const charge = reports.get('charge')?.told.at(-1)
  expect(['value charge', 'unknown', 'in-progress'], 'charge is told').toContain(charge)
}

/** Runs the scenarios with the n-th call failing, heals, and runs them again. */
async function afterFault<Tx>(subject: Subject<Tx>, faulty: Store<Tx>): Promise<void> {
  const reports = new Map<string, Report>()
  await live(faulty, subject.effects, reports)
  await live(subject.store, subject.effects, reports)
  judge(reports, subject.effects)
}

describe.each([
  ['memory', async (): Promise<Subject<unknown>> => inMemory() as Subject<unknown>],
  ['sqlite', async (): Promise<Subject<unknown>> => (await inFile()) as Subject<unknown>],
] as const)('%s: the n-th call of the store fails', (_, open) => {
  test.each(['before', 'after'] as const)('%s it was applied, for every n', async (when) => {
    const counting = await open()
    const counted = failNth(counting.store, { at: 0, when })
    await live(counted.store, counting.effects, new Map())
    await counting.dispose()
    expect(counted.calls()).toBeGreaterThan(10)

    for (let at = 1; at <= counted.calls(); at++) {
      const subject = await open()
      await afterFault(subject, failNth(subject.store, { at, when }).store)
      await subject.dispose()
    }
  })
})

describe('sqlite: the n-th call of the driver fails', () => {
  let calls = 0
  let failAt = 0
  let failWhen: 'before' | 'after' = 'before'
  let armed = false

  function step<T>(call: () => T): T {
    if (!armed || ++calls !== failAt) return call()
    if (failWhen === 'after') call()
    throw Object.assign(new Error(`disk I/O error ${failWhen} call ${calls}`), { code: 'SQLITE_IOERR' })
  }

  class Failing extends Database {
    override exec(sql: string): this {
      // A disk may fail to write; it does not fail to forget.
      if (sql.startsWith('rollback')) return super.exec(sql) as this
      return step(() => super.exec(sql)) as this
    }
  }
  // Assigned rather than declared: the type of the original says more than a wrapper can.
  const prepare = Reflect.get(Database.prototype, 'prepare') as unknown as (
    this: object,
    sql: string,
  ) => Record<string, unknown>
  Failing.prototype.prepare = function (this: object, sql: string) {
    const statement = prepare.call(this, sql)
    for (const name of ['run', 'get'] as const) {
      const call = statement[name] as (...args: unknown[]) => unknown
      statement[name] = (...args: unknown[]) => step(() => call.apply(statement, args))
    }
    return statement
  } as never

  test.each(['before', 'after'] as const)('%s it was applied, for every n', async (when) => {
    failWhen = when
    const run = async (at: number): Promise<number> => {
      calls = 0
      failAt = at
      const subject = await inFile(Failing as unknown as Driver)
      const reports = new Map<string, Report>()
      armed = true
      await live(subject.store, subject.effects, reports)
      armed = false
      await live(subject.store, subject.effects, reports)
      judge(reports, subject.effects)
      await subject.dispose()
      return calls
    }
    const total = await run(0)
    expect(total).toBeGreaterThan(30)
    for (let at = 1; at <= total; at++) await run(at)
  })
})
