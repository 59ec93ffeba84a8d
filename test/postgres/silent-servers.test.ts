// A server, or a network, that says nothing any more: connections stay open, and no answer ever comes.
import { createReprise, reply } from 'reprise'
import { idempotent } from 'reprise/fetch'
import { expect, test } from 'vitest'
import { describeWith } from '../services/services.ts'
import { tableName } from './given.ts'
import { type Library, libraries, open, type Process, told } from './libraries.ts'
import { wiredDatabase } from './wired.ts'

const describePostgres = await describeWith('postgres')

const busyTimeout = 300
const exchange = /with asked as/

describePostgres('a server that falls silent', () => {
  const its = wiredDatabase()

  function order({ reprise, exec }: Process, key: string, lease = 60_000): Promise<string> {
    return told(
      reprise.run({ name: 'order', guarantee: 'transactional', lease }, { principal: 'p', key }, async ({ tx }) => {
        await exec(tx, 'insert into effects values ($1)', [key])
        return 'made'
      }),
    )
  }

  async function withProcess(library: Library, check: (process: Process, key: string) => Promise<void>): Promise<void> {
    const process = await open(library, its.wire.url, { table: tableName(), busyTimeout })
    try {
      await check(process, tableName())
    } finally {
      its.wire.cut()
      await process.close()
    }
  }

  for (const library of libraries) {
    test(`${library}: at BEGIN it is waited for within bounds, and nothing has happened`, () =>
      withProcess(library, async (process, key) => {
        its.wire.trap(/^begin/, 'silence')
        expect(await order(process, key)).toBe('threw store-unavailable')
        expect(await order(process, key)).toBe('done made')
        expect(await its.seen.effects(key)).toBe(1)
        // postgres.js has no way to give up a single connection.
        if (library === 'pg') await process.idle()
      }))

    test(`${library}: at COMMIT it is waited for as long as the lease, and then the record is asked`, () =>
      withProcess(library, async (process, key) => {
        its.wire.trap(/commit$/, 'silence')
        expect(await order(process, key, 200)).toBe('done made')
        expect(await order(process, key)).toBe('replayed made')
        expect(await its.seen.effects(key)).toBe(1)
        if (library === 'pg') await process.idle()
      }))

    test(`${library}: claims and settlements on all lanes are given up, sent again, and count once`, () =>
      withProcess(library, async ({ reprise, idle }, key) => {
        const charge = (n: number) =>
          told(
            reprise.run({ name: 'charge', guarantee: 'guarded' }, { principal: 'p', key: `${key}${n}` }, async () => {
              await its.seen.pool.query('insert into effects values ($1)', [key])
              return 'made'
            }),
          )
        its.wire.trap(exchange, 'silence')
        its.wire.trap(exchange, 'silence')
        const first = charge(1)
        await new Promise((resolve) => setTimeout(resolve, 20))
        expect(await Promise.all([first, charge(2), charge(3)])).toEqual(['done made', 'done made', 'done made'])
        expect(await its.seen.effects(key)).toBe(3)
        if (library === 'pg') await idle()
      }))
  }

  test('pg: under a statement of the handler the lease ends it, and the operation is free', () =>
    withProcess('pg', async (process, key) => {
      its.wire.trap(/into effects/, 'silence')
      expect(await order(process, key, 200)).toBe('threw attempt-overdue')
      await process.idle()
      expect(await order(process, key)).toBe('done made')
      expect(await its.seen.effects(key)).toBe(1)
      await its.seen.noLocks()
    }))

  test('a caller who can be told nothing is told so, and a retry gets the one effect and the first answer', () =>
    withProcess('pg', async ({ store, exec }, key) => {
      const reprise = createReprise({ store, principal: () => 'p', replayCacheBytes: 0 })
      let runs = 0
      const handle = idempotent(reprise, { name: 'order', guarantee: 'transactional' }, async ({ tx }) => {
        await exec(tx, 'insert into effects values ($1)', [key])
        return reply(201, { run: ++runs })
      })
      const post = () =>
        handle(
          new Request('http://localhost/orders', { method: 'POST', headers: { 'idempotency-key': key }, body: '{}' }),
        )
      const trap = its.wire.trap(/commit$/, 'cut-after')
      void trap.sprung.then(() => its.wire.refuse(true))
      const first = await post()
      its.wire.refuse(false)
      expect(first.status).toBe(503)
      expect(await first.json()).toMatchObject({ outcome: 'unknown', retryable: true, reason: 'store-unavailable' })
      expect(await its.seen.effects(key)).toBe(1)
      const second = await post()
      expect([second.status, await second.json()]).toEqual([201, { run: 1 }])
      expect(second.headers.get('idempotent-replayed')).toBe('true')
      expect(await its.seen.effects(key)).toBe(1)
    }))
})
