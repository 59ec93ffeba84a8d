// What every database must do for the ledger.
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type FreshDatabase, onEachDatabase } from '../../testing/databases.ts'
import { findAccount, openLedger } from '../accounts/accounts.ts'
import { type Database, openDatabase } from './database.ts'

await onEachDatabase((make) => {
  let fresh: FreshDatabase
  let opened: Database[]

  beforeEach(async () => {
    fresh = await make()
    opened = []
  })
  afterEach(async () => {
    await Promise.all(opened.map((database) => database.close()))
    await fresh.remove()
  })

  const nothing = async (): Promise<void> => undefined

  async function open(): Promise<Database> {
    const database = await openDatabase(fresh.place, () => undefined)
    opened.push(database)
    return database
  }

  test('a second start finds nothing left to do, and what is there stays', async () => {
    const first = await open()
    await first.migrate((db) => openLedger(db, 'demo', '2026-01-01T00:00:00.000Z'))
    const second = await open()
    await second.migrate((db) => openLedger(db, 'demo', '2026-02-02T00:00:00.000Z'))
    expect(await findAccount(second.reads, 'demo', 'world')).toMatchObject({ created_at: '2026-01-01T00:00:00.000Z' })
  })

  test('a start that fails leaves no half of a schema', async () => {
    const database = await open()
    const failing = database.migrate(async () => {
      throw new Error('not today')
    })
    await expect(failing).rejects.toThrow('not today')
    await expect(database.ping()).rejects.toThrow(/accounts/)
    await database.migrate(nothing)
    await database.ping()
  })

  test('a schema that a newer build has made is left alone', async () => {
    await (await open()).migrate(nothing)
    await fresh.ask('update ledger_schema set version = 99 returning version')
    await expect((await open()).migrate(nothing)).rejects.toThrow(/schema version 99/)
  })

  test('what reads does not write', async () => {
    const database = await open()
    await database.migrate(nothing)
    await expect(openLedger(database.reads, 'demo', '2026-01-01T00:00:00.000Z')).rejects.toThrow(/read-?only/)
    await database.ping()
  })

  test('a statement that forgets to ask can’t take what is not there', async () => {
    const database = await open()
    const forget = (statement: string) =>
      database.migrate(async (db) => {
        await openLedger(db, 'demo', '2026-01-01T00:00:00.000Z')
        await sql`insert into accounts (principal, id, owner, currency, balance, lowest, created_at)
          values ('demo', 'a', 'a', 'EUR', 0, 0, '')`.execute(db)
        await sql.raw(statement).execute(db)
      })
    await expect(forget("update accounts set balance = -1 where id = 'a'")).rejects.toThrow(/accounts_lowest/)
    await expect(forget("update accounts set balance = 1 where id = 'world'")).rejects.toThrow(/world_highest/)
  })

  test('numbers come back as numbers, up to the last exact one', async () => {
    const database = await open()
    await database.migrate(async (db) => {
      await openLedger(db, 'demo', '2026-01-01T00:00:00.000Z')
      await db.updateTable('accounts').set({ balance: -Number.MAX_SAFE_INTEGER }).execute()
    })
    expect(await findAccount(database.reads, 'demo', 'world')).toMatchObject({ balance: -9007199254740991 })
  })
})
