// Records on the server are what they were, to the byte; and many that travel together do not suffer for one of them.
import mysql2, { type Pool, type PoolConnection, type RowDataPacket } from 'mysql2/promise'
import type { Outcome, Store } from 'reprise/engine'
import { type MysqlTx, mysql } from 'reprise/mysql'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { describeWith, sharedMariadb } from '../services/services.ts'
import { anOperation, aStore, aTry, CuttablePool, disguised, kept, opened } from './given.ts'

const describeMariadb = await describeWith('mariadb')

describeMariadb('records on MariaDB', () => {
  let url: string
  let outside: Pool
  let store: Store<MysqlTx<PoolConnection>>
  let cuttable: CuttablePool
  let table: string
  beforeAll(async () => {
    url = (await sharedMariadb()).url
    outside = mysql2.createPool({ uri: url, connectionLimit: 4 })
    ;({ store, cuttable, table } = await aStore(url))
  })
  afterAll(async () => {
    await store?.close()
    await cuttable?.end()
    await outside?.query(`drop table ${table}`)
    await outside?.end()
  })

  const guarded = aTry({ guarantee: 'guarded' })
  const ending = (outcome: Partial<Outcome>) => ({
    ...kept(),
    outcome: { status: 200, headers: [], body: null, ...outcome },
  })
  async function settle(outcome: Partial<Outcome>, operation = anOperation(), by = store): Promise<Outcome> {
    const { attemptId } = aTry()
    const { record } = await by.claim(operation, { ...guarded, attemptId })
    await by.settle({ id: operation.id, attemptId, fence: record.fence }, ending(outcome))
    const found = await by.find(operation.id)
    if (found?.state !== 'completed') throw new Error(`It is ${found?.state}.`)
    return found.outcome
  }

  test('what differs in case, accents or spaces at its end is another', async () => {
    for (const [one, other] of [
      ['v1:a', 'v1:A'],
      ['v1:a', 'v1:á'],
      ['v1:a', 'v1:a '],
      ['v1:a', 'v1:a\0'],
      ['', ' '],
    ] as const) {
      const operation = anOperation({ fingerprint: one })
      await (await opened(store, operation)).end(kept())
      const found = await store.begin?.({ ...operation, fingerprint: other }, aTry(), () => undefined)
      expect(found).toMatchObject({ kind: 'found', record: { fingerprint: one } })
    }
    await store.claim(anOperation({ name: 'Order' }), guarded)
    for (const name of ['order', 'Order ', 'ORDER']) expect((await store.list({ name })).items).toEqual([])
    expect((await store.list({ name: 'Order' })).items).toHaveLength(1)
  })

  test('a record is written over only where it says exactly what was seen', async () => {
    const operation = anOperation()
    const { tx, end } = await opened(store, operation)
    await tx.query('select 1')
    await end({ kind: 'released', retentionMs: 3_600_000, tombstoneMs: 1 })
    const next = await opened(store, operation)
    // Somebody writes a space at its end meanwhile, which no reader of JSON would notice.
    await outside.query(`update ${table} set record = concat(record, ' ') where state = 'released'`)
    expect((await next.end(kept())).kind).toBe('superseded')
    expect(await store.find(operation.id)).toMatchObject({ state: 'released' })
  })

  test.each([
    ['of a pool that speaks latin1', { charset: 'latin1' }],
    ['of a pool with settings of its own', { dateStrings: true, supportBigNumbers: true, bigNumberStrings: true }],
    ['of a pool that gives arrays', { rowsAsArray: true, nestTables: '_', namedPlaceholders: true }],
    ['of a pool that casts by itself', { typeCast: () => 'cast' }],
    ['of a pool that counts changed rows', { flags: ['-FOUND_ROWS'] }],
  ])('records come back %s', async (_, options) => {
    const pool = new CuttablePool(url, options as object)
    const own = mysql({ pool: pool.pool, table })
    const headers = [['x-unicode', 'žluťoučký kůň 日本 🙂']] as const
    const body = Uint8Array.from({ length: 512 }, (_, n) => n % 256)
    const outcome = await settle({ headers, body }, anOperation({ name: 'žluť-🙂' }), own)
    expect(outcome).toEqual({ status: 200, headers, body })
    const operation = anOperation()
    const transaction = await opened(own, operation)
    expect((await transaction.end(kept())).kind).toBe('committed')
    // Written over with what it says already.
    const claimed = anOperation()
    await own.claim(claimed, guarded)
    const { record } = await own.claim(claimed, guarded)
    const claim = { id: claimed.id, attemptId: guarded.attemptId, fence: record.fence }
    expect((await own.renew(claim, 1)).kind).toBe('written')
    await own.close()
    await pool.end()
  })

  test.each([
    ['under any SQL mode', 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,EMPTY_STRING_IS_NULL,ORACLE'],
    ['under none', ''],
  ])('records come back %s', async (_, mode) => {
    const pool = new CuttablePool(url)
    pool.pool.on('connection', (connection) => {
      // The event brings the connection with callbacks.
      ;(connection as unknown as { query(sql: string): void }).query(`set session sql_mode = '${mode}'`)
    })
    const own = mysql({ pool: pool.pool, table })
    expect(await settle({ headers: [['x', `'"\\`]], body: new Uint8Array() }, anOperation(), own)).toEqual({
      status: 200,
      headers: [['x', `'"\\`]],
      body: new Uint8Array(),
    })
    expect((await (await opened(own)).end(kept(''))).kind).toBe('committed')
    expect(await own.sweep(10)).toEqual({ expired: 0, forgotten: 0 })
    await own.close()
    await pool.end()
  })

  describe.each([
    ['as MariaDB', (pool: Pool) => pool],
    ['as MySQL', (pool: Pool) => disguised(pool)],
  ] as const)('%s', (_, seenAs) => {
    let own: Store<MysqlTx<PoolConnection>>
    let pool: CuttablePool
    beforeAll(() => {
      pool = new CuttablePool(url)
      own = mysql({ pool: seenAs(pool.pool), table })
    })
    afterAll(async () => {
      await own.close()
      await pool.end()
    })

    test('large and small bodies are settled together', async () => {
      const sizes = [0, 1, 255, 256, 65_535, 65_536, 70_000, 1_000_000, 3_000_000]
      const bodies = sizes.map((size) => Uint8Array.from({ length: size }, (_, n) => (n * 2_654_435_761) >>> 13))
      const kept_ = await Promise.all(bodies.map((body) => settle({ body }, anOperation(), own)))
      for (const [n, { body }] of kept_.entries())
        expect(Buffer.compare(body as Uint8Array, bodies[n] as Uint8Array)).toBe(0)
    })

    test('of several that travel together the one that the server would not read fails, and says by what', async () => {
      const [[packet]] = await outside.query<RowDataPacket[]>('select @@max_allowed_packet as bytes')
      const tooLarge = new Uint8Array(Math.ceil((packet?.bytes as number) / 2))
      const operations = Array.from({ length: 5 }, () => anOperation())
      const ended = await Promise.allSettled(
        operations.map((operation, n) => settle({ body: n === 2 ? tooLarge : Buffer.from('small') }, operation, own)),
      )
      expect(ended.map(({ status }) => status)).toEqual([
        'fulfilled',
        'fulfilled',
        'rejected',
        'fulfilled',
        'fulfilled',
      ])
      const [, , failed] = ended
      expect(failed).toMatchObject({
        reason: { code: 'store-unavailable', message: expect.stringContaining('max_allowed_packet') },
      })
      const transaction = await opened(own)
      expect(await transaction.end(kept(tooLarge))).toMatchObject({
        kind: 'rolled-back',
        why: 'failed',
        error: { code: 'store-unavailable', message: expect.stringContaining('max_allowed_packet') },
      })
      expect((await (await opened(own)).end(kept())).kind).toBe('committed')
    })

    test('a step is one statement where nothing stands in its way', async () => {
      const counted = new CuttablePool(url, { connectionLimit: 1 })
      let statements = 0
      let pending = 0
      const counting = {
        getConnection: async () => {
          const connection = await counted.pool.getConnection()
          return new Proxy(connection, {
            get: (target, name) => {
              const value: unknown = Reflect.get(target, name, target)
              if (typeof value !== 'function') return value
              if (name !== 'query') return value.bind(target)
              return async (...args: readonly unknown[]): Promise<unknown> => {
                statements++
                pending++
                // Not before the next one has been asked for, where there is a next one.
                return (value.apply(target, args) as Promise<unknown>).finally(() => setImmediate(() => pending--))
              }
            },
          })
        },
      }
      const one = mysql({ pool: seenAs(counting as Pool), table })
      await one.find(anOperation().id)
      const told: Record<string, number> = {}
      const count = async <T>(what: string, step: () => Promise<T>): Promise<T> => {
        statements = 0
        const result = await step()
        told[what] = statements
        await vi.waitFor(() => expect(pending).toBe(0))
        return result
      }
      const operation = anOperation()
      const { record } = await count('claim', () => one.claim(operation, guarded))
      const claim = { id: operation.id, attemptId: guarded.attemptId, fence: record.fence }
      await count('settle', () => one.settle(claim, ending({})))
      await count('found', () => one.claim(operation, aTry({ guarantee: 'guarded' })))
      const another = anOperation()
      const transaction = await count('begin', () => opened(one, another))
      await count('end', () => transaction.end(kept()))
      await count('replay', () => one.begin?.(another, aTry(), () => undefined) as Promise<unknown>)
      const together = Array.from({ length: 40 }, () => anOperation())
      await count('40 claims', () => Promise.all(together.map((each) => one.claim(each, guarded))))
      // The last statement of a replay, and of MySQL's end, comes when the answer is on its way.
      expect(told).toEqual(
        seenAs(pool.pool) === pool.pool
          ? { claim: 1, settle: 1, found: 1, begin: 1, end: 1, replay: 2, '40 claims': 1 }
          : { claim: 1, settle: 1, found: 2, begin: 5, end: 4, replay: 3, '40 claims': 1 },
      )
      await one.close()
      await counted.end()
    })
  })
})
