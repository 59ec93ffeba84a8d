import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely'
import Libsql from 'libsql'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { prepared } from './prepared.ts'
import type { Tables } from './tables.ts'

let connection: Libsql.Database
let db: Kysely<Tables>
/** Everything that was prepared, in order. */
let statements: string[]

beforeEach(() => {
  connection = new Libsql(':memory:')
  connection.exec('create table world_balances (principal text, currency text, balance bigint)')
  statements = []
  const database: SqliteDatabase = {
    close: () => connection.close(),
    prepare: (sql) => {
      statements.push(sql)
      return connection.prepare(sql)
    },
  }
  db = new Kysely<Tables>({ dialect: new SqliteDialect({ database }) })
})
afterEach(() => db.destroy())

const insert = prepared((db, row: { principal: string; currency: string; balance: number }) =>
  db.insertInto('world_balances').values({ principal: row.principal, currency: row.currency, balance: row.balance }),
)

test('is built once, and run with the values of each call', async () => {
  let built = 0
  const find = prepared((db, { principal, least }: { principal: string; least: number }) => {
    built++
    return db
      .selectFrom('world_balances')
      .select('balance')
      .where('principal', 'in', [principal, 'somebody'])
      .where('balance', '>=', least)
      .where('currency', '=', 'EUR')
      .orderBy('balance')
  })
  for (const [principal, balance] of [
    ['p', -3],
    ['p', -2],
    ['q', -1],
  ] as const) {
    await insert(db, { principal, currency: 'EUR', balance })
  }
  expect(await find(db, { principal: 'p', least: -10 })).toEqual([{ balance: -3 }, { balance: -2 }])
  expect(await find(db, { principal: 'p', least: -2 })).toEqual([{ balance: -2 }])
  expect(await find(db, { principal: 'q', least: -2 })).toEqual([{ balance: -1 }])
  expect(built).toBe(1)
  expect(new Set(statements).size).toBe(2)
})

test('values are parameters, whatever they look like', async () => {
  const find = prepared((db, { principal }: { principal: string }) =>
    db.selectFrom('world_balances').selectAll().where('principal', '=', principal),
  )
  const principal = `x' or '1'='1`
  await insert(db, { principal: 'p', currency: 'EUR', balance: 0 })
  expect(await find(db, { principal })).toEqual([])
  await insert(db, { principal, currency: 'EUR', balance: 0 })
  expect(await find(db, { principal })).toHaveLength(1)
  expect(statements.join()).not.toContain(`'1'`)
})
