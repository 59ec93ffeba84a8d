// Servers that would lose what they acknowledge, or take no writes, are refused before the first attempt.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { createReprise } from 'reprise'
import { postgres } from 'reprise/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Server, startPrivatePostgres } from '../../scripts/services.ts'
import { describeWith, sharedPostgres } from '../services/services.ts'
import { ownDatabase, tableName } from './given.ts'

const describePostgres = await describeWith('postgres')

describePostgres('a server that is not fit', () => {
  let url = ''
  let careless: Server
  const pools: pg.Pool[] = []
  beforeAll(async () => {
    url = (await sharedPostgres()).url
    careless = await startPrivatePostgres({ settings: { fsync: 'off' } })
  })
  afterAll(async () => {
    await Promise.all(pools.map((pool) => pool.end()))
    await careless?.stop()
  })

  function storeOn(at: string, acceptLoss = false) {
    const pool = new pg.Pool({ connectionString: at, max: 2 })
    pool.on('error', () => undefined)
    pools.push(pool)
    return postgres({ pool, acceptLoss })
  }
  const expectRefused = async (at: string, said: RegExp): Promise<void> => {
    const store = storeOn(at)
    await expect(store.migrate()).rejects.toMatchObject({ code: 'server-unfit', message: expect.stringMatching(said) })
    // Not only once: a server that stays unfit is refused every time.
    await expect(store.find('A'.repeat(43))).rejects.toMatchObject({ code: 'server-unfit' })
  }
  const expectAccepted = async (at: string): Promise<void> => {
    const store = storeOn(at, true)
    expect(store.capabilities.durable).toBe(false)
    await store.migrate()
    const reprise = createReprise({ store, principal: () => 'p' })
    const run = reprise.run({ name: 'x', guarantee: 'transactional' }, { principal: 'p', key: tableName() }, () => 1)
    expect(await run).toMatchObject({ kind: 'done' })
  }

  test('synchronous_commit = off', async () => {
    const own = await ownDatabase(url, { synchronous_commit: 'off' })
    await expectRefused(own, /synchronous_commit = off: .* Set synchronous_commit = on/)
    await expectAccepted(own)
  })

  test.each(['on', 'local'])('synchronous_commit = %s is fit', async (level) => {
    const own = await ownDatabase(url, { synchronous_commit: level })
    const store = storeOn(own)
    expect(store.capabilities.durable).toBe(true)
    await store.migrate()
  })

  test('fsync = off', async () => {
    await expectRefused(careless.url, /fsync = off: .* Set fsync = on/)
    await expectAccepted(careless.url)
  })

  test('a server that takes no writes', async () => {
    const own = await ownDatabase(url)
    await storeOn(own).migrate()
    const readOnly = new URL(own)
    readOnly.searchParams.set('options', '-c default_transaction_read_only=on')
    const store = storeOn(readOnly.href)
    await expect(store.find('A'.repeat(43))).rejects.toMatchObject({
      code: 'server-unfit',
      message: expect.stringContaining('connect to the primary'),
    })
    // No loss that could be accepted.
    await expect(storeOn(readOnly.href, true).find('A'.repeat(43))).rejects.toMatchObject({ code: 'server-unfit' })
  })

  test('a standby', async () => {
    await storeOn(careless.url, true).migrate()
    await careless.halt()
    await writeFile(join(careless.folder, 'data', 'standby.signal'), '')
    await careless.restart()
    const store = storeOn(careless.url, true)
    await expect(store.find('A'.repeat(43))).rejects.toMatchObject({
      code: 'server-unfit',
      message: expect.stringContaining('connect to the primary'),
    })
  })

  test('a server that can’t be reached is no verdict: it is asked again', async () => {
    const closed = new URL(url)
    closed.port = '1'
    const store = storeOn(closed.href)
    await expect(store.find('A'.repeat(43))).rejects.toMatchObject({
      code: 'store-unavailable',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })
})
