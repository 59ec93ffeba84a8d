// Other transactions hold what the store needs: it waits within bounds, begins again after a deadlock, and says so at last.
import { setTimeout as sleep } from 'node:timers/promises'
import mysql2, { type Pool, type PoolConnection, type RowDataPacket } from 'mysql2/promise'
import { type MysqlPool, mysql } from 'reprise/mysql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeWith, sharedMariadb } from '../services/services.ts'
import { anOperation, aTry, CuttablePool, disguised, kept, opened, tableName } from './given.ts'

const describeMariadb = await describeWith('mariadb')

describeMariadb('locks of others', () => {
  let url: string
  let outside: Pool
  const tables: string[] = []
  beforeAll(async () => {
    url = (await sharedMariadb()).url
    outside = mysql2.createPool({ uri: url, connectionLimit: 4 })
  })
  afterAll(async () => {
    if (tables.length > 0) await outside?.query(`drop table ${tables.join()}`)
    await outside?.end()
  })

  const { outcome, retentionMs, tombstoneMs } = kept()
  const ending = { kind: 'completed', outcome, retentionMs, tombstoneMs } as const
  const hex = (id: string): string => `x'${Buffer.from(id, 'base64url').toString('hex')}'`

  /** How often the server has chosen a victim. */
  async function deadlocks(): Promise<number> {
    const [rows] = await outside.query<RowDataPacket[]>("show global status like 'Innodb_deadlocks'")
    return Number(rows[0]?.Value)
  }

  describe.each([
    ['as MariaDB', (pool: MysqlPool<PoolConnection>) => pool],
    // MySQL waits as long as the server is set to.
    ['as MySQL', disguised],
  ] as const)('%s', (_, seenAs) => {
    async function aStore() {
      const cuttable = new CuttablePool(url)
      cuttable.pool.on('connection', (connection) => {
        ;(connection as unknown as { query(sql: string): void }).query('set session innodb_lock_wait_timeout = 1')
      })
      const table = tableName()
      tables.push(table)
      const store = mysql({ pool: seenAs(cuttable.pool), table, lockTimeout: '1s' })
      await store.migrate()
      return { store, table, close: () => store.close().then(() => cuttable.end()) }
    }

    test('a lock that is held too long is an answer, and one that is let go in time is none', async () => {
      const { store, table, close } = await aStore()
      const operation = anOperation()
      const terms = aTry({ guarantee: 'guarded' })
      const { record } = await store.claim(operation, terms)
      const claim = { id: operation.id, attemptId: terms.attemptId, fence: record.fence }
      const holder = await outside.getConnection()
      await holder.query('start transaction')
      await holder.query(`select * from ${table} where id = ${hex(operation.id)} for update`)

      const refused = store.settle(claim, ending)
      // Looking waits for nobody but this process's own step.
      const reader = mysql({ pool: outside, table })
      expect(await reader.find(operation.id)).toMatchObject({ state: 'running' })
      await expect(refused).rejects.toMatchObject({ code: 'store-unavailable', cause: { errno: 1205 } })

      const settling = store.settle(claim, ending)
      await sleep(1_300)
      await holder.query('rollback')
      holder.release()
      expect((await settling).kind).toBe('written')
      await close()
    })

    test('a batch that is the victim of a deadlock begins again', async () => {
      const { store, table, close } = await aStore()
      const operations = [anOperation(), anOperation(), anOperation()].sort((a, b) => (a.id < b.id ? -1 : 1))
      const claims = await Promise.all(
        operations.map(async (operation) => {
          const terms = aTry({ guarantee: 'guarded' })
          const { record } = await store.claim(operation, terms)
          return { id: operation.id, attemptId: terms.attemptId, fence: record.fence }
        }),
      )
      const [first, , last] = claims.map(({ id }) => hex(id))
      // Whoever has written more is not chosen.
      const heavy = await outside.getConnection()
      await heavy.query('start transaction')
      for (let n = 0; n < 20; n++) await heavy.query(`update ${table} set due_at = ${n} where id = ${last}`)
      const settling = Promise.all(claims.map((claim) => store.settle(claim, ending)))
      await sleep(100)
      const before = await deadlocks()
      await heavy.query(`select * from ${table} where id = ${first} for update`)
      // Without one it would have waited for as long as the batch does.
      expect(await deadlocks()).toBeGreaterThan(before)
      await heavy.query('rollback')
      heavy.release()
      expect((await settling).map(({ kind }) => kind)).toEqual(['written', 'written', 'written'])
      await close()
    })

    test('the end of an attempt that has to wait for too long is a conflict, and leaves nothing', async () => {
      const { store, table, close } = await aStore()
      const operation = anOperation()
      const transaction = await opened(store, operation)
      const holder = await outside.getConnection()
      await holder.query('start transaction')
      await holder.query(
        `insert into ${table} values (${hex(operation.id)}, x'00', 'released', 'x', null, x'00', null)`,
      )
      const ended = await transaction.end(kept())
      expect(ended).toMatchObject({ kind: 'rolled-back', why: 'conflict', error: { errno: 1205 } })
      await holder.query('rollback')
      holder.release()
      expect((await (await opened(store, operation)).end(kept())).kind).toBe('committed')
      await close()
    })
  })
})
