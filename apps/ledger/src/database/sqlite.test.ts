import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import Libsql from 'libsql'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findAccount, openLedger } from '../accounts/accounts.ts'
import { openLedgerDatabase } from './sqlite.ts'

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledger-'))
  file = join(folder, 'ledger.db')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const nothing = async (): Promise<void> => undefined

function tables(): unknown[] {
  const connection = new Libsql(file)
  const rows = connection
    .prepare("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'")
    .all([])
  connection.close()
  return rows.map((row) => (row as { name: string }).name).sort()
}

test('a second start finds nothing left to do, and what is there stays', async () => {
  const first = await openLedgerDatabase(file, (db) => openLedger(db, 'demo', '2026-01-01T00:00:00.000Z'))
  await first.close()
  const second = await openLedgerDatabase(file, (db) => openLedger(db, 'demo', '2026-02-02T00:00:00.000Z'))
  expect(await findAccount(second.reads, 'demo', 'world')).toMatchObject({ created_at: '2026-01-01T00:00:00.000Z' })
  await second.close()
  expect(tables()).toEqual(['accounts', 'ledger_schema', 'transfers', 'world_balances'])
})

test('a start that fails leaves no half of a schema', async () => {
  const failing = openLedgerDatabase(file, async () => {
    throw new Error('not today')
  })
  await expect(failing).rejects.toThrow('not today')
  expect(tables()).toEqual([])
  await (await openLedgerDatabase(file, nothing)).close()
})

test('a schema that a newer build has made is left alone', async () => {
  await (await openLedgerDatabase(file, nothing)).close()
  const connection = new Libsql(file)
  connection.exec('update ledger_schema set version = 99')
  connection.close()
  await expect(openLedgerDatabase(file, nothing)).rejects.toThrow(/schema version 99/)
})

test('the connection for reads does not write', async () => {
  const database = await openLedgerDatabase(file, nothing)
  await expect(openLedger(database.reads, 'demo', '2026-01-01T00:00:00.000Z')).rejects.toThrow(/readonly/)
  await database.ping()
  await database.close()
})

test('a statement that forgets to ask can’t take what is not there', async () => {
  const database = await openLedgerDatabase(file, async (db) => {
    await openLedger(db, 'demo', '2026-01-01T00:00:00.000Z')
    await sql`insert into accounts (principal, id, owner, currency, balance, lowest, created_at)
      values ('demo', 'a', 'a', 'EUR', 0, 0, '')`.execute(db)
    await expect(sql`update accounts set balance = -1 where id = 'a'`.execute(db)).rejects.toThrow(/accounts_lowest/)
    await expect(sql`update accounts set balance = 1 where id = 'world'`.execute(db)).rejects.toThrow(/world_highest/)
  })
  await database.close()
})
