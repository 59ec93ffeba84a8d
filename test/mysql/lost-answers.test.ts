// The answer of a commit is lost on its way, as a network loses it: the server has committed, and nobody was told.
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import mysql2, { type Pool, type RowDataPacket } from 'mysql2/promise'
import { createReprise } from 'reprise'
import { mysql } from 'reprise/mysql'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { describeWith, sharedMariadb } from '../services/services.ts'
import { anOperation, aTry, CuttablePool, kept, opened, tableName } from './given.ts'

const describeMariadb = await describeWith('mariadb')

describeMariadb('answers that are lost', () => {
  let outside: Pool
  let proxy: Server
  let pool: CuttablePool
  const table = tableName()
  const things = `${table}_things`
  /** From a statement with these words on, nothing comes back on its connection. */
  let swallowFrom: string | undefined
  const swallowing = new Set<Socket>()

  beforeAll(async () => {
    const url = new URL((await sharedMariadb()).url)
    outside = mysql2.createPool({ uri: url.href, connectionLimit: 2 })
    await outside.query(`create table ${things} (name varchar(100)) engine = InnoDB`)
    const port = Number(url.port)
    proxy = createServer((client) => {
      const server = connect(port, url.hostname)
      client.on('data', (data) => {
        if (swallowFrom !== undefined && data.includes(swallowFrom)) swallowing.add(client)
        server.write(data)
      })
      server.on('data', (data) => {
        if (!swallowing.has(client)) client.write(data)
      })
      for (const [one, other] of [
        [client, server],
        [server, client],
      ] as const) {
        one.on('error', () => other.destroy())
        one.on('close', () => other.destroy())
      }
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    url.port = String((proxy.address() as AddressInfo).port)
    pool = new CuttablePool(url.href)
  })
  afterAll(async () => {
    await pool?.end()
    proxy?.close()
    await outside?.query(`drop table if exists ${table}, ${things}`)
    await outside?.end()
  })

  async function happened(name: string): Promise<number> {
    const [rows] = await outside.query<RowDataPacket[]>(`select * from ${things} where name = ?`, [name])
    return rows.length
  }
  function loseAnswersFrom(words: string): void {
    swallowFrom = words
  }
  function breakConnections(): void {
    swallowFrom = undefined
    for (const socket of swallowing) socket.destroy()
    swallowing.clear()
  }

  test('the record is asked, and the caller is told what it says', async () => {
    const store = mysql({ pool: pool.pool, table })
    await store.migrate()
    const reprise = createReprise({ store, principal: () => 'p', replayCacheBytes: 0 })
    const policy = { name: 'order.create', guarantee: 'transactional' } as const
    const run = () =>
      reprise.run(policy, { principal: 'p', key: 'k1' }, async ({ tx }) => {
        await tx.execute(`insert into ${things} values ('k1')`)
        loseAnswersFrom('release savepoint')
        return 'placed'
      })
    const running = run()
    await vi.waitFor(async () => expect(await happened('k1')).toBe(1))
    breakConnections()
    expect(await running).toMatchObject({ kind: 'done', value: 'placed', replayed: false })
    expect(await run()).toMatchObject({ kind: 'done', value: 'placed', replayed: true })
    expect(await happened('k1')).toBe(1)
    breakConnections()
    await store.close()
  })

  test('a server that falls silent in the middle of a commit is waited for no longer than the lease', async () => {
    const store = mysql({ pool: pool.pool, table })
    const operation = anOperation()
    const lost = vi.fn<() => void>()
    const { tx, end } = await opened(store, operation, aTry({ leaseMs: 300 }), lost)
    await tx.execute(`insert into ${things} values ('k2')`)
    loseAnswersFrom('release savepoint')
    await expect(end(kept())).rejects.toMatchObject({ code: 'store-unavailable' })
    expect(lost).not.toHaveBeenCalled()
    expect(await store.find(operation.id)).toMatchObject({ state: 'completed' })
    expect(await happened('k2')).toBe(1)
    breakConnections()
    await store.close()
  })

  test('claims and settlements whose answers were lost are sent again, and know themselves', async () => {
    const store = mysql({ pool: pool.pool, table })
    const operation = anOperation()
    const terms = aTry({ guarantee: 'guarded' })
    await store.find(operation.id)
    const losing = async <T>(words: string, step: () => Promise<T>): Promise<T> => {
      loseAnswersFrom(words)
      const stepping = step()
      await vi.waitFor(() => expect(swallowing.size).toBeGreaterThan(0))
      await new Promise((resolve) => setTimeout(resolve, 50))
      breakConnections()
      return stepping
    }
    const claimed = await losing('insert into', () => store.claim(operation, terms))
    expect(claimed).toMatchObject({ kind: 'granted', record: { attempts: 1 } })
    const claim = { id: operation.id, attemptId: terms.attemptId, fence: claimed.record.fence }
    const { outcome, retentionMs, tombstoneMs } = kept()
    const ending = { kind: 'completed', outcome, retentionMs, tombstoneMs } as const
    expect((await losing('update `', () => store.settle(claim, ending))).kind).toBe('written')
    expect(await losing('select id', () => store.find(operation.id))).toMatchObject({ state: 'completed' })
    await store.close()
  })
})
