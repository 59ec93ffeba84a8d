// The table comes with migrate(), whoever else is calling it, and is told from what it is not.
import mysql2, { type Pool, type RowDataPacket } from 'mysql2/promise'
import { mysql, mysqlMigrations } from 'reprise/mysql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWith, sharedMariadb } from '../services/services.ts'
import { anOperation, aStore, aTry, CuttablePool, disguised, kept, opened, tableName } from './given.ts'

const describeMariadb = await describeWith('mariadb')

describeMariadb('migrations on MariaDB', () => {
  let url: string
  let outside: Pool
  const tables: string[] = []
  const named = (): string => {
    const name = tableName()
    tables.push(name)
    return name
  }
  beforeAll(async () => {
    url = (await sharedMariadb()).url
    outside = mysql2.createPool({ uri: url, connectionLimit: 4 })
  })
  afterAll(async () => {
    if (tables.length > 0) await outside?.query(`drop table if exists ${tables.join()}`)
    await outside?.end()
  })

  test('ten processes migrate at once, and each can be used at once', async () => {
    const table = named()
    const pools = Array.from({ length: 10 }, () => new CuttablePool(url))
    const stores = pools.map(({ pool }, n) => mysql({ pool: n % 2 === 0 ? pool : disguised(pool), table }))
    await Promise.all(stores.map((store) => store.migrate()))
    const ended = await Promise.all(stores.map(async (store) => (await opened(store)).end(kept())))
    expect(new Set(ended.map(({ kind }) => kind))).toEqual(new Set(['committed']))
    expect((await stores[0]?.list({}))?.items).toHaveLength(10)
    await Promise.all(stores.map((store) => store.close()))
    await Promise.all(pools.map((pool) => pool.end()))
  })

  test('a store that was never migrated says what to do, and can be used once it is', async () => {
    const pool = new CuttablePool(url)
    const table = named()
    const store = mysql({ pool: pool.pool, table })
    await expect(store.find(anOperation().id)).rejects.toMatchObject({ code: 'schema-missing' })
    await expect(opened(store)).rejects.toMatchObject({ code: 'schema-missing' })
    await store.migrate()
    expect(await store.find(anOperation().id)).toBe(undefined)
    await outside.query(`drop table ${table}`)
    await expect(store.find(anOperation().id)).rejects.toMatchObject({ code: 'schema-missing' })
    await expect(opened(store)).rejects.toMatchObject({ code: 'schema-missing' })
    await store.close()
    await pool.end()
  })

  test('the printed statements do what migrate() does, and again do nothing', async () => {
    const table = named()
    for (let twice = 0; twice < 2; twice++) {
      for (const statement of mysqlMigrations({ table })) await outside.query(statement)
    }
    const pool = new CuttablePool(url)
    const store = mysql({ pool: pool.pool, table })
    expect((await (await opened(store)).end(kept())).kind).toBe('committed')
    await store.migrate()
    expect((await store.list({})).items).toHaveLength(1)
    await store.close()
    await pool.end()
  })

  test.each([
    ['of a later version', 'reprise schema 99', 'schema-newer'],
    ["of somebody else's", 'our orders', 'schema-missing'],
  ])('a table %s is left alone', async (_, comment, code) => {
    const table = named()
    await outside.query(`create table ${table} (id int) engine = InnoDB comment = '${comment}'`)
    const pool = new CuttablePool(url)
    const store = mysql({ pool: pool.pool, table })
    await expect(store.migrate()).rejects.toMatchObject({ code })
    await expect(store.claim(anOperation(), aTry())).rejects.toMatchObject({ code })
    await store.close()
    await pool.end()
  })

  test('a table without transactions is refused', async () => {
    const { store, cuttable, table } = await aStore(url, { table: named() })
    await store.close()
    await outside.query(`alter table ${table} engine = MyISAM`)
    const again = mysql({ pool: cuttable.pool, table })
    await expect(again.find(anOperation().id)).rejects.toMatchObject({
      code: 'server-unfit',
      message: expect.stringContaining('MyISAM'),
    })
    await again.close()
    await cuttable.end()
  })

  test('a table of another database is used by its whole name', async () => {
    const schema = tableName()
    await outside.query(`create database ${schema}`)
    const { store, cuttable } = await aStore(url, { table: `${schema}.records` })
    const operation = anOperation()
    await (await opened(store, operation)).end(kept())
    expect((await store.claim(operation, aTry())).kind).toBe('found')
    const [[found]] = await outside.query<RowDataPacket[]>(`select state, name from ${schema}.records`)
    expect({ ...found }).toEqual({ state: 'completed', name: operation.name })
    await store.close()
    await cuttable.end()
    await outside.query(`drop database ${schema}`)
  })

  test('a pool that names no database needs a table that does', async () => {
    const pool = new CuttablePool(url.replace(/\/[^/]*$/, '/'))
    await expect(mysql({ pool: pool.pool, table: 'records' }).migrate()).rejects.toMatchObject({
      code: 'option-invalid',
    })
    await pool.end()
  })
})
