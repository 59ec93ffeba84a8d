// What happens to handlers: statements they may not say, other transactions in their way, and connections that break.
import { eq } from 'drizzle-orm'
import { int, mysqlTable, varchar } from 'drizzle-orm/mysql-core'
import { drizzle } from 'drizzle-orm/mysql2'
import mysql2, { type Pool, type PoolConnection, type RowDataPacket } from 'mysql2/promise'
import { createReprise } from 'reprise'
import type { Store } from 'reprise/engine'
import { type MysqlTx, mysql } from 'reprise/mysql'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { describeWith, sharedMariadb } from '../services/services.ts'
import { anOperation, aStore, aTry, CuttablePool, kept, opened, released, tableName, untilGone } from './given.ts'

const describeMariadb = await describeWith('mariadb')

describeMariadb('handlers on MariaDB', () => {
  let url: string
  let outside: Pool
  let store: Store<MysqlTx<PoolConnection>>
  let cuttable: CuttablePool
  let table: string
  const things = tableName()

  beforeAll(async () => {
    url = (await sharedMariadb()).url
    outside = mysql2.createPool({ uri: url, connectionLimit: 5 })
    ;({ store, cuttable, table } = await aStore(url, { pool: { multipleStatements: true } }))
    await outside.query(`create table ${things} (id int primary key, value varchar(50)) engine = InnoDB`)
    await outside.query(`create procedure ${things}_commits() begin commit; end`)
    await outside.query(`create procedure ${things}_restarts() begin commit; start transaction; end`)
    await outside.query(`create procedure ${things}_rolls_back() begin rollback; end`)
  })
  afterAll(async () => {
    await store?.close()
    await cuttable?.end()
    for (const what of ['commits', 'restarts', 'rolls_back']) await outside?.query(`drop procedure ${things}_${what}`)
    await outside?.query(`drop table ${things}, ${table}`)
    await outside?.end()
  })

  let used = 0
  /** Two rows that no other test touches. */
  async function rows(): Promise<readonly [number, number]> {
    used += 2
    await outside.query(`insert into ${things} values (?, 'old'), (?, 'old')`, [used, used + 1])
    return [used, used + 1]
  }
  async function valueIn(id: number): Promise<string | undefined> {
    const [[found]] = await outside.query<RowDataPacket[]>(`select value from ${things} where id = ?`, [id])
    return found?.value as string | undefined
  }
  const set = (tx: MysqlTx<PoolConnection>, id: number, value = 'new') =>
    tx.execute(`update ${things} set value = ? where id = ?`, [value, id])
  /** The server's number of the connection. */
  async function numberOf(tx: MysqlTx<PoolConnection>): Promise<number> {
    const [[found]] = await tx.query<RowDataPacket[]>('select connection_id() as number')
    return found?.number as number
  }

  test('statements that would end the transaction are refused, and the rest of it stands', async () => {
    const [id] = await rows()
    const operation = anOperation()
    const { tx, end } = await opened(store, operation)
    await set(tx, id)
    for (const sql of [
      'commit',
      `truncate table ${things}`,
      `create table ${things}_2 (id int)`,
      'start transaction',
    ]) {
      await expect(tx.query(sql)).rejects.toMatchObject({ code: 'transaction-broken' })
    }
    await expect(tx.query(`delete from ${things} where id = ${id}; commit`)).rejects.toMatchObject({
      code: 'transaction-broken',
    })
    expect(await valueIn(id)).toBe('old')
    expect((await end(kept())).kind).toBe('committed')
    expect(await valueIn(id)).toBe('new')
  })

  test.each(['commits', 'restarts', 'rolls_back'])(
    'a procedure that %s is found out at the end: nobody runs the effect again before somebody has looked',
    async (what) => {
      for (const ending of [kept(), released]) {
        const [id] = await rows()
        const operation = anOperation()
        const { tx, end } = await opened(store, operation)
        await set(tx, id)
        await tx.query(`call ${things}_${what}()`)
        // What would be committed by itself is refused, where that can be told.
        const more = await set(tx, id, 'more').then(
          () => 'said',
          (error: { code: string }) => error.code,
        )
        expect(more).toBe(what === 'restarts' ? 'said' : 'transaction-broken')
        await expect(end(ending)).rejects.toMatchObject({ code: 'transaction-broken' })
        expect(await store.find(operation.id)).toMatchObject({ state: 'unknown', reason: 'handler-failed' })
        const again = await store.begin?.(operation, aTry(), () => undefined)
        expect(again).toMatchObject({ kind: 'found', record: { state: 'unknown' } })
      }
    },
  )

  test('after a deadlock the victim says nothing more, though it caught the error and had asked for it already', async () => {
    const [a, b] = await rows()
    const first = await opened(store)
    const second = await opened(store)
    await set(first.tx, a, 'first')
    await set(second.tx, b, 'second')
    // Each waits for the other; both have more to say after that.
    const crossing = [first, second].map(({ tx }, n) => {
      const waits = set(tx, n === 0 ? b : a)
      const after = tx.query(`insert into ${things} values (${a * 10_000 + n}, 'by itself')`)
      return Promise.allSettled([waits, after])
    })
    const ended = await Promise.all(crossing)
    const victims = ended.flatMap(([waits], n) => (waits.status === 'rejected' ? [n] : []))
    expect(victims).toHaveLength(1)
    const [victim] = victims as [number]
    expect(ended[victim]?.[1]).toMatchObject({ status: 'rejected', reason: { code: 'transaction-conflict' } })

    const results = await Promise.all([first.end(kept()), second.end(kept())])
    expect(results[victim]).toMatchObject({ kind: 'rolled-back', why: 'conflict', error: { errno: 1213 } })
    expect(results[1 - victim]?.kind).toBe('committed')
    expect(await valueIn(a * 10_000 + victim)).toBe(undefined)
    expect(await valueIn(a * 10_000 + 1 - victim)).toBe('by itself')
  })

  test('a lock-wait time-out that ends the handler is a conflict; one that it got over is none', async () => {
    const [a, b] = await rows()
    const holder = await opened(store)
    await set(holder.tx, a, 'holder')
    const impatient = async (tx: MysqlTx<PoolConnection>): Promise<unknown> =>
      tx.query(`select * from ${things} where id = ${a} for update nowait`).catch((error: unknown) => error)

    const failing = await opened(store)
    expect(await impatient(failing.tx)).toMatchObject({ errno: 1205 })
    expect(await failing.end(released)).toMatchObject({ kind: 'rolled-back', why: 'conflict', error: { errno: 1205 } })

    const coping = await opened(store)
    expect(await impatient(coping.tx)).toMatchObject({ errno: 1205 })
    await set(coping.tx, b, 'coped')
    expect((await coping.end(kept())).kind).toBe('committed')
    expect(await valueIn(b)).toBe('coped')
    await holder.end(released)
    expect(await valueIn(a)).toBe('old')
  })

  test('statements asked for together are sent one after the other, and those not awaited still count', async () => {
    const [a, b] = await rows()
    const { tx, end } = await opened(store)
    const all = Promise.all([set(tx, a, '1'), set(tx, a, '2'), set(tx, b, '3')])
    const unawaited = set(tx, a, 'late')
    await all
    expect((await end(kept())).kind).toBe('committed')
    await unawaited
    expect([await valueIn(a), await valueIn(b)]).toEqual(['late', '3'])
  })

  test('a query builder that takes a connection takes the transaction', async () => {
    const [id] = await rows()
    const operation = anOperation()
    const { tx, end } = await opened(store, operation)
    const orders = mysqlTable(things, { id: int('id').primaryKey(), value: varchar('value', { length: 50 }) })
    const db = drizzle(tx as PoolConnection)
    await db.update(orders).set({ value: 'built' }).where(eq(orders.id, id))
    expect(await db.select().from(orders).where(eq(orders.id, id))).toEqual([{ id, value: 'built' }])
    const nested = db.transaction(async () => undefined)
    await expect(nested).rejects.toMatchObject({ cause: { code: 'transaction-broken' } })
    expect((await end(kept())).kind).toBe('committed')
    expect(await valueIn(id)).toBe('built')
  })

  test('what is asked for after the end, or waits for its turn then, is refused', async () => {
    const [a] = await rows()
    const { tx, end } = await opened(store)
    const slow = tx.query('do sleep(0.1)')
    const waiting = set(tx, a)
    const refusal = waiting.catch((error: unknown) => error)
    expect((await end(kept())).kind).toBe('committed')
    await slow
    expect(await refusal).toMatchObject({ code: 'transaction-ended' })
    await expect(tx.query('select 1')).rejects.toMatchObject({ code: 'transaction-ended' })
    expect(await valueIn(a)).toBe('old')
  })

  test('a connection that is killed under its handler leaves nothing, and the handler is told', async () => {
    const [id] = await rows()
    const operation = anOperation()
    const lost = vi.fn<() => void>()
    const { tx, end } = await opened(store, operation, aTry(), lost)
    await set(tx, id)
    const number = await numberOf(tx)
    await outside.query(`kill ${number}`)
    await vi.waitFor(() => expect(lost).toHaveBeenCalledTimes(1))
    await expect(tx.query('select 1')).rejects.toMatchObject({ code: 'store-unavailable' })
    expect(await end(kept())).toMatchObject({ kind: 'rolled-back', why: 'failed' })
    await untilGone(outside, [number])
    expect([await valueIn(id), await store.find(operation.id)]).toEqual(['old', undefined])
    expect((await (await opened(store, operation)).end(kept())).kind).toBe('committed')
  })

  test('a handler that is overdue in the middle of a statement is cut off, and what it held is free', async () => {
    const [id] = await rows()
    const operation = anOperation()
    const lost = vi.fn<() => void>()
    const { tx, end } = await opened(store, operation, aTry({ leaseMs: 200 }), lost)
    await set(tx, id, 'slow')
    const stuck = tx.query('select sleep(20)').then(
      () => 'answered',
      (error: { code: string }) => error.code,
    )
    await vi.waitFor(() => expect(lost).toHaveBeenCalledTimes(1))
    expect(await stuck).toBe('attempt-overdue')
    // Waits until the server has let go of it.
    const next = await opened(store, operation)
    await set(next.tx, id, 'next')
    expect((await next.end(kept())).kind).toBe('committed')
    expect(await end(kept())).toEqual({ kind: 'rolled-back', why: 'overdue' })
    expect(await valueIn(id)).toBe('next')
  })

  test('a process that freezes in its handler keeps nothing for much longer than its lease', async () => {
    const { tx, end } = await opened(store, anOperation(), aTry({ leaseMs: 7_000 }))
    const [[during]] = await tx.query<RowDataPacket[]>('show variables like "idle_transaction_timeout"')
    expect(during?.Value).toBe('12')
    await end(kept())
    const [[after]] = await cuttable.pool.query<RowDataPacket[]>('show variables like "idle_transaction_timeout"')
    expect(after?.Value).toBe('0')
  })

  test('a pool without a free connection is an answer, and what has waited for one gives it back', async () => {
    const small = await aStore(url, { table, pool: { connectionLimit: 1 }, busyTimeout: 100 })
    const holder = await opened(small.store)
    await expect(small.store.find(anOperation().id)).rejects.toMatchObject({ code: 'store-unavailable' })
    await expect(opened(small.store)).rejects.toMatchObject({ code: 'store-unavailable' })
    expect((await holder.end(kept())).kind).toBe('committed')
    expect(await small.store.find(anOperation().id)).toBe(undefined)
    // One connection is enough for everything that an ending needs.
    expect((await (await opened(small.store)).end(released)).kind).toBe('committed')
    await small.store.close()
    await small.cuttable.end()
  })

  test.each([
    ['read-committed', 'another', 'new'],
    ['repeatable-read', 'old', 'new'],
    ['serializable', 'old', 'in the way'],
  ] as const)('%s is the isolation of the handler, and of nobody after it', async (isolation, seenAgain, writing) => {
    const [id] = await rows()
    const own = await aStore(url, { table, isolation, pool: { connectionLimit: 1 } })
    const { tx, end } = await opened(own.store)
    const seen = async (): Promise<unknown> => {
      const [[found]] = await tx.query<RowDataPacket[]>(`select value from ${things} where id = ${id}`)
      return found?.value
    }
    expect(await seen()).toBe('old')
    const wrote = await outside
      .query(`set statement innodb_lock_wait_timeout = 0 for update ${things} set value = 'another' where id = ${id}`)
      .then(
        () => 'new',
        () => 'in the way',
      )
    expect([wrote, await seen()]).toEqual([writing, seenAgain])
    await end(kept())
    const [[after]] = await own.cuttable.pool.query<RowDataPacket[]>('show variables like "tx_isolation"')
    expect(after?.Value).toBe('REPEATABLE-READ')
    await own.store.close()
    await own.cuttable.end()
  })

  test('of 50 duplicates over two processes one makes the effect, and all are told the same', async () => {
    const pools = [new CuttablePool(url), new CuttablePool(url)]
    const services = pools.map(({ pool }) => {
      const one = mysql({ pool, table })
      return { one, reprise: createReprise({ store: one, principal: () => 'p', replayCacheBytes: 0 }) }
    })
    const policy = { name: 'order.create', guarantee: 'transactional', onConcurrent: { waitUpTo: '10s' } } as const
    for (let round = 0; round < 3; round++) {
      const [id] = await rows()
      const told = await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          (services[n % 2] as (typeof services)[0]).reprise.run(
            policy,
            { principal: 'p', key: `k${id}` },
            async ({ tx }) => {
              await tx.query(`insert into ${things} values (${1_000_000 + id}, '${n}')`)
              return n
            },
          ),
        ),
      )
      const values = new Set(told.map((end) => (end.kind === 'done' ? end.value : end.kind)))
      expect([...values].map(String)).toEqual([await valueIn(1_000_000 + id)])
    }
    await Promise.all(services.map(({ one }) => one.close()))
    await Promise.all(pools.map((pool) => pool.end()))
  })

  test('another process is told at once: the same request in progress, another a mismatch', async () => {
    const other = await aStore(url, { table })
    const operation = anOperation()
    const first = await opened(store, operation)
    const begin = other.store.begin?.bind(other.store)
    const same = await begin?.(operation, aTry(), () => undefined)
    expect(same).toMatchObject({ kind: 'found', record: { state: 'running', fingerprint: operation.fingerprint } })
    const otherwise = await begin?.({ ...operation, fingerprint: 'v1:another' }, aTry(), () => undefined)
    expect(otherwise).toMatchObject({ kind: 'found', record: { state: 'running', id: operation.id } })
    expect(otherwise?.kind === 'found' && otherwise.record.fingerprint).not.toBe('v1:another')
    await first.end(kept())
    expect(await begin?.(operation, aTry(), () => undefined)).toMatchObject({ record: { state: 'completed' } })
    await other.store.close()
    await other.cuttable.end()
  })
})
