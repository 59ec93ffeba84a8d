// A duplicate that waits for another process: it is told by the database when there is something to see, and does not look
// all the time.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { createReprise, reply, type Store } from 'reprise'
import { type Clock, systemClock } from 'reprise/engine'
import { idempotent } from 'reprise/fetch'
import { type PgTx, postgres } from 'reprise/postgres'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type FreshDatabase, freshSchemas } from '../../apps/ledger/testing/databases.ts'
import { describeWith } from '../services/services.ts'
import { anOrder } from './waiting-order.ts'

const describePostgres = await describeWith('postgres')

/** A clock whose timers never come: whoever would look again after a while does not. Only being told is left. */
function timelessClock(): Clock & { readonly sleepers: number } {
  let sleepers = 0
  return {
    ...systemClock,
    after: (_ms, _then, background) => {
      if (background === undefined) sleepers++
      return () => undefined
    },
    get sleepers() {
      return sleepers
    },
  }
}

describePostgres('two processes on one database', () => {
  const make = freshSchemas()
  let fresh: FreshDatabase
  let pool: pg.Pool
  let store: Store<PgTx>
  let notifications: number
  let started: ChildProcess | undefined

  beforeEach(async () => {
    fresh = await make()
    notifications = 0
    pool = new pg.Pool({ connectionString: urlOf(fresh) })
    pool.on('connect', (connection) => connection.on('notification', () => notifications++))
    await pool.query('create table orders (id bigint primary key generated always as identity)')
  })
  afterEach(async () => {
    started?.kill('SIGKILL')
    await store.close()
    await pool.end()
    await fresh.remove()
  })

  /** Resolves once it has begun to work on the operation. */
  async function startOther(): Promise<ChildProcess> {
    const script = fileURLToPath(new URL('waiting-process.ts', import.meta.url))
    started = fork(script, [urlOf(fresh)], { execArgv: ['--import', 'tsx', '--conditions=source'] })
    expect(await once(started, 'message')).toContain('begun')
    return started
  }

  test('the duplicate waits, is woken once, and gets the first answer byte for byte', async () => {
    const clock = timelessClock()
    store = postgres({ pool, clock })
    await store.migrate()
    let ran = false
    const answer = idempotent(
      createReprise({ store, dangerouslyShareKeysAmongCallers: true }),
      { name: 'order.create', guarantee: 'transactional', onConcurrent: { waitUpTo: '20s' } },
      async () => {
        ran = true
        return reply(201, { by: process.pid })
      },
    )

    const other = await startOther()

    const waiting = answer(anOrder())
    // It has looked, has said that it waits, has looked once more, and sleeps.
    while (clock.sleepers === 0) await new Promise(setImmediate)
    expect(notifications).toBe(0)

    const told = once(other, 'message')
    other.send('finish')
    const [first] = (await told) as [{ status: number; location: string; text: string }]
    const second = await waiting
    const text = await second.text()
    expect({ status: second.status, location: second.headers.get('location'), text }).toEqual(first)
    expect(second.headers.get('idempotent-replayed')).toBe('true')
    expect([first.status, ran, notifications]).toEqual([201, false, 1])
    expect(await fresh.ask('select count(*) as n from orders')).toEqual([{ n: 1 }])
  })

  test('when the process that it waits for is killed, the duplicate takes over', async () => {
    store = postgres({ pool })
    await store.migrate()
    const answer = idempotent(
      createReprise({ store, dangerouslyShareKeysAmongCallers: true }),
      { name: 'order.create', guarantee: 'transactional', onConcurrent: { waitUpTo: '20s' } },
      async ({ tx }) => {
        await tx.query('insert into orders default values')
        return reply(201, { by: process.pid })
      },
    )
    const other = await startOther()
    const waiting = answer(anOrder())
    other.kill('SIGKILL')
    const response = await waiting
    expect([response.status, await response.json(), response.headers.get('idempotent-replayed')]).toEqual([
      201,
      { by: process.pid },
      null,
    ])
    expect(await fresh.ask('select count(*) as n from orders')).toEqual([{ n: 1 }])
  })
})

function urlOf({ place }: FreshDatabase): string {
  if (place.kind !== 'postgres') throw new Error('This is no PostgreSQL.')
  return place.url
}
