// Every statement fails once: its connection is killed before it is sent, or after it was done, when only its answer is lost.
// Then everything is sent again. Whichever it was, no effect happens twice, and nobody is told two things.
import { setTimeout as sleep } from 'node:timers/promises'
import mysql2, { type Pool, type PoolConnection } from 'mysql2/promise'
import { createReprise, NotApplied } from 'reprise'
import { type MysqlPool, mysql } from 'reprise/mysql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeWith, sharedMariadb } from '../services/services.ts'
import { CuttablePool, disguised, tableName, untilGone } from './given.ts'

const describeMariadb = await describeWith('mariadb')

describeMariadb('the n-th statement fails', () => {
  let url: string
  let outside: Pool
  const table = tableName()
  const things = `${table}_things`

  beforeAll(async () => {
    url = (await sharedMariadb()).url
    outside = mysql2.createPool({ uri: url, connectionLimit: 4 })
    await outside.query(`create table ${things} (name varchar(100)) engine = InnoDB`)
  })
  afterAll(async () => {
    await outside?.query(`drop table ${table}, ${things}`)
    await outside?.end()
  })

  /** A pool of which one statement fails, counted over all connections; 0 for none. */
  function failing(pool: MysqlPool<PoolConnection>, fault: { at: number; when: 'before' | 'after'; count: number }) {
    const kill = async ({ threadId }: PoolConnection): Promise<void> => {
      await outside.query(`kill ${threadId}`).catch(() => undefined)
      await untilGone(outside, [threadId])
    }
    const around =
      (connection: PoolConnection, name: 'query' | 'execute') =>
      async (...args: readonly unknown[]): Promise<unknown> => {
        const call = connection[name].bind(connection) as unknown as (...args: readonly unknown[]) => Promise<unknown>
        if (++fault.count !== fault.at) return call(...args)
        if (fault.when === 'after') await call(...args).catch(() => undefined)
        await kill(connection)
        if (fault.when === 'before') return call(...args)
        throw Object.assign(new Error('Connection lost'), { code: 'PROTOCOL_CONNECTION_LOST', fatal: true })
      }
    return {
      getConnection: async (): Promise<PoolConnection> => {
        const connection = await pool.getConnection()
        return new Proxy(connection, {
          get: (target, name) => {
            if (name === 'query' || name === 'execute') return around(target, name)
            const value: unknown = Reflect.get(target, name, target)
            return typeof value === 'function' ? value.bind(target) : value
          },
        })
      },
    }
  }

  let lives = 0
  /** Sends each of three operations three times, with the n-th statement failing; returns how many statements there were. */
  async function live(
    seenAs: (pool: MysqlPool<PoolConnection>) => MysqlPool<PoolConnection>,
    at: number,
    when: 'before' | 'after',
  ): Promise<number> {
    const { pool, ...cuttable } = new CuttablePool(url)
    const fault = { at: 0, when, count: 0 }
    const store = mysql({ pool: seenAs(failing(pool, fault)), table })
    await store.migrate()
    const reprise = createReprise({ store, principal: () => 'p', replayCacheBytes: 0 })
    const key = `life ${++lives}`
    const happened = async (name: string): Promise<number> => {
      const [rows] = await outside.query(`select * from ${things} where name = ?`, [name])
      return (rows as unknown[]).length
    }
    const transactional = { name: 'order', guarantee: 'transactional' } as const
    const guarded = { name: 'charge', guarantee: 'guarded' } as const
    let charged = 0
    const operations: Record<string, () => Promise<string>> = {
      create: async () => {
        const end = await reprise.run(transactional, { principal: 'p', key: `${key} create` }, async ({ tx }) => {
          await tx.execute(`insert into ${things} values (?)`, [`${key} create`])
          return 'created'
        })
        return end.kind === 'done' ? end.value : end.kind
      },
      undo: async () => {
        const end = await reprise.run(transactional, { principal: 'p', key: `${key} undo` }, async ({ tx }) => {
          await tx.execute(`insert into ${things} values (?)`, [`${key} undo`])
          throw new NotApplied('no')
        })
        return end.kind
      },
      charge: async () => {
        const end = await reprise.run(guarded, { principal: 'p', key: `${key} charge` }, () => {
          charged++
          return 'charged'
        })
        return end.kind === 'done' ? end.value : end.kind
      },
    }
    Object.assign(fault, { at, count: 0 })
    for (const [name, send] of Object.entries(operations)) {
      const told: string[] = []
      for (let sent = 0; sent < 3; ) {
        const end = await send().catch((error: unknown) => `threw ${String(error)}`)
        // The server may take a moment to let go of what a killed connection held.
        if (end === 'in-progress' && told.length < 200) await sleep(10)
        else sent++
        told.push(end)
      }
      const effects = name === 'charge' ? charged : await happened(`${key} ${name}`)
      const first = told.findIndex((word) => word === 'created' || word === 'charged')
      const wrong = [
        effects > 1 && `${effects} effects`,
        first >= 0 && effects !== 1 && 'an outcome without its effect',
        first >= 0 && new Set(told.slice(first)).size > 1 && 'an outcome was taken back',
        name === 'create' && told.at(-1) !== 'created' && 'it never ends',
        name === 'undo' && effects > 0 && 'what was undone stands',
      ]
      expect(
        wrong.filter((one) => one !== false),
        `${name}, statement ${at} ${when}: ${told.join(', ')}`,
      ).toEqual([])
    }
    await store.close()
    expect(cuttable.numbers.size).toBeGreaterThan(0)
    await pool.end()
    return fault.count
  }

  describe.each([
    ['as MariaDB', (pool: MysqlPool<PoolConnection>) => pool, 10],
    ['as MySQL', disguised, 25],
  ] as const)('%s', (_, seenAs, atLeast) => {
    test.each(['before', 'after'] as const)('%s it was done, for every n', async (when) => {
      const count = await live(seenAs, 0, when)
      expect(count).toBeGreaterThan(atLeast)
      for (let at = 1; at <= count; at++) await live(seenAs, at, when)
    })
  })
})
