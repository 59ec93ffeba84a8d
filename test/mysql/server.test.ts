// A server of its own: refused where it would lose what it has acknowledged, killed under load, and made a replica.
import mysql2, { type Pool, type RowDataPacket } from 'mysql2/promise'
import { createReprise } from 'reprise'
import { mysql } from 'reprise/mysql'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type Server, startPrivateMariadb } from '../../scripts/services.ts'
import { describeWith } from '../services/services.ts'
import { anOperation, aTry, CuttablePool, kept, opened } from './given.ts'

const describeMariadb = await describeWith('mariadb')

describeMariadb('a MariaDB of its own', () => {
  let server: Server
  let outside: Pool
  const pools: CuttablePool[] = []
  const aPool = (url = server.url): Pool => {
    const made = new CuttablePool(url)
    pools.push(made)
    return made.pool
  }
  beforeAll(async () => {
    server = await startPrivateMariadb({ settings: { 'log-bin': 'on', 'server-id': '1' } })
    outside = mysql2.createPool({ uri: server.url, connectionLimit: 2 })
    await mysql({ pool: aPool() }).migrate()
  }, 60_000)
  afterEach(async () => {
    for (const pool of pools.splice(0)) await pool.end()
  })
  afterAll(async () => {
    await outside?.end()
    await server?.stop()
  })

  test.each([
    ['innodb_flush_log_at_trx_commit', '0', '1', 'a crash of the server loses'],
    ['innodb_flush_log_at_trx_commit', '2', '1', 'a power cut'],
    ['sync_binlog', '0', '1', 'after a power cut'],
  ] as const)('%s = %s is refused by name, unless it is accepted by name', async (setting, value, usual, gives) => {
    await outside.query(`set global ${setting} = ${value}`)
    const store = mysql({ pool: aPool() })
    for (const use of [() => store.migrate(), () => store.find(anOperation().id), () => opened(store)]) {
      await expect(use()).rejects.toMatchObject({ code: 'server-unfit' })
      await expect(use()).rejects.toThrow(`${setting} is ${value}: ${gives}`)
      await expect(use()).rejects.toThrow(`acceptLoss: ['${setting}']`)
    }
    const resigned = mysql({ pool: aPool(), acceptLoss: [setting] })
    expect(resigned.capabilities.durable).toBe(false)
    await resigned.migrate()
    expect((await (await opened(resigned)).end(kept())).kind).toBe('committed')

    await outside.query(`set global ${setting} = ${usual}`)
    expect(store.capabilities.durable).toBe(true)
    expect((await (await opened(store)).end(kept())).kind).toBe('committed')
  })

  test.each([
    ['binlog_format', "'STATEMENT'", "'MIXED'"],
    ['autocommit', '0', '1'],
    ['read_only', '1', '0'],
  ] as const)('%s = %s is refused, and not to be accepted', async (setting, value, usual) => {
    await outside.query(`set global ${setting} = ${value}`)
    const store = mysql({ pool: aPool(), acceptLoss: ['sync_binlog', 'innodb_flush_log_at_trx_commit'] })
    await expect(store.find(anOperation().id)).rejects.toMatchObject({
      code: 'server-unfit',
      message: expect.stringContaining(setting),
    })
    await outside.query(`set global ${setting} = ${usual}`)
    expect(await mysql({ pool: aPool() }).find(anOperation().id)).toBe(undefined)
  })

  test('a primary that becomes a replica is told so, and its connections are not kept', async () => {
    await outside.query("create user app@'127.0.0.1' identified by 'app'")
    await outside.query("grant select, insert, update, delete on reprise.* to app@'127.0.0.1'")
    const store = mysql({ pool: aPool(server.url.replace('reprise:reprise', 'app:app')) })
    const transaction = await opened(store)
    expect((await transaction.end(kept())).kind).toBe('committed')
    await outside.query('set global read_only = 1')
    await expect(store.claim(anOperation(), aTry({ guarantee: 'guarded' }))).rejects.toThrow('is read-only')
    const refused = await (await opened(store)).end(kept())
    expect(refused).toMatchObject({ kind: 'rolled-back', why: 'failed', error: { code: 'store-unavailable' } })
    const before = (pools.at(-1) as CuttablePool).numbers.size
    await outside.query('set global read_only = 0')
    expect((await (await opened(store)).end(kept())).kind).toBe('committed')
    expect((pools.at(-1) as CuttablePool).numbers.size).toBeGreaterThan(before)
  })

  test('a server that freezes is not waited for without end', async () => {
    const store = mysql({ pool: aPool(), busyTimeout: 100, lockTimeout: '1s' })
    await store.find(anOperation().id)
    server.pause()
    const steps = [() => store.find(anOperation().id), () => store.claim(anOperation(), aTry()), () => opened(store)]
    // All of them end while it is frozen.
    const ended = await Promise.allSettled(steps.map((step) => step()))
    server.resume()
    for (const end of ended) expect(end).toMatchObject({ status: 'rejected', reason: { code: 'store-unavailable' } })
    expect((await (await opened(store)).end(kept())).kind).toBe('committed')
  })

  test('effects and outcomes are one, however often the server is killed', async () => {
    await outside.query('create table orders (name varchar(100)) engine = InnoDB')
    const reprises = [aPool(), aPool()].map((pool) =>
      createReprise({ store: mysql({ pool }), principal: () => 'p', replayCacheBytes: 0 }),
    )
    const policy = { name: 'order.create', guarantee: 'transactional' } as const
    const told = new Map<string, string>()
    let sent = 0
    let over = false
    /** Sends an operation until it is answered, each time to another process. */
    async function one(key: string): Promise<void> {
      for (let tries = 0; ; tries++) {
        const reprise = reprises[tries % 2] as (typeof reprises)[0]
        const end = await reprise
          .run(policy, { principal: 'p', key }, async ({ tx }) => {
            await tx.execute('insert into orders values (?)', [key])
            return `${key} of try ${tries}`
          })
          .catch(() => ({ kind: 'threw' as const }))
        if (end.kind === 'done') {
          told.set(key, end.value)
          return
        }
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
    const clients = Array.from({ length: 16 }, async () => {
      while (!over) await one(`order ${sent++}`)
    })
    const answered = (more: number): Promise<void> => {
      const enough = told.size + more
      return vi.waitFor(() => expect(told.size).toBeGreaterThanOrEqual(enough), { timeout: 20_000, interval: 10 })
    }
    for (let kills = 0; kills < 2; kills++) {
      await answered(50)
      await server.kill()
      await server.restart()
    }
    await answered(20)
    over = true
    await Promise.all(clients)

    const [rows] = await outside.query<(RowDataPacket & { name: string })[]>('select name from orders')
    expect(rows.map(({ name }) => name).sort()).toEqual([...told.keys()].sort())
    expect(told.size).toBeGreaterThan(100)
    for (const [key, value] of told) {
      const end = await reprises[0]?.run(policy, { principal: 'p', key }, () => 'again')
      expect(end).toMatchObject({ kind: 'done', value })
    }
  }, 60_000)
})
