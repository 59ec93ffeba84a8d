// Sessions that the server ends: by an operator's word, by its own death, at every point of an attempt.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Server, startPrivatePostgres } from '../../scripts/services.ts'
import { describeWith } from '../services/services.ts'
import { type Outside, outside, tableName } from './given.ts'
import { libraries, open, type Process, told } from './libraries.ts'
import { startProxy, type Wire } from './proxy.ts'
import { wiredDatabase } from './wired.ts'

const describePostgres = await describeWith('postgres')
const endAll =
  'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() ' +
  'and xact_start is not null'

function order({ reprise, exec }: Process, key: string, meanwhile?: () => Promise<unknown>): Promise<string> {
  return told(
    reprise.run({ name: 'order', guarantee: 'transactional' }, { principal: 'p', key }, async ({ tx }) => {
      await exec(tx, 'insert into effects values ($1)', [key])
      await meanwhile?.()
      return 'made'
    }),
  )
}

function charge({ reprise }: Process, key: string, effect: () => Promise<unknown>): Promise<string> {
  return told(
    reprise.run({ name: 'charge', guarantee: 'guarded', lease: 1000 }, { principal: 'p', key }, async () => {
      await effect()
      return 'made'
    }),
  )
}

describePostgres('a session that an operator ends', () => {
  const its = wiredDatabase()

  test.each(libraries)('%s: between two statements', async (library) => {
    const process = await open(library, its.wire.url, { table: tableName() })
    const key = tableName()
    const end = async () => {
      await its.seen.pool.query(endAll)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(await order(process, key, end)).toBe('threw store-unavailable')
    expect(await its.seen.effects(key)).toBe(0)
    expect(await order(process, key)).toBe('done made')
    await process.idle()
    await its.seen.noLocks()
    await process.close()
  })

  test.each(libraries)('%s: in the middle of a statement', async (library) => {
    const process = await open(library, its.wire.url, { table: tableName() })
    const { reprise, exec } = process
    const key = tableName()
    const run = told(
      reprise.run({ name: 'order', guarantee: 'transactional' }, { principal: 'p', key }, async ({ tx }) => {
        setTimeout(() => void its.seen.pool.query(endAll), 50)
        await exec(tx, 'select pg_sleep(10)')
      }),
    )
    expect(await run).toMatch(/^threw (?:57P01|CONNECTION_CLOSED)$/)
    expect(await order(process, key)).toBe('done made')
    expect(await its.seen.effects(key)).toBe(1)
    await process.idle()
    await its.seen.noLocks()
    await process.close()
  })

  test.each(libraries)('%s: when COMMIT is on its way', async (library) => {
    const process = await open(library, its.wire.url, { table: tableName() })
    const key = tableName()
    const trap = its.wire.trap(/commit$/, 'hold')
    const run = order(process, key)
    await trap.sprung
    await its.seen.pool.query(endAll)
    trap.release()
    expect(await run).toBe('threw store-unavailable')
    expect(await its.seen.effects(key)).toBe(0)
    expect(await order(process, key)).toBe('done made')
    expect(await its.seen.effects(key)).toBe(1)
    await process.idle()
    await its.seen.noLocks()
    await process.close()
  })
})

describePostgres('a server that is killed', () => {
  let server: Server
  let seen: Outside
  let wire: Wire
  beforeAll(async () => {
    server = await startPrivatePostgres()
    seen = await outside(server.url)
    wire = await startProxy(server.url)
  })
  afterAll(async () => {
    await wire?.close()
    await seen?.end()
    await server?.stop()
  })

  /** Both libraries at once: a restart takes its time. */
  async function whileKilled(
    check: (process: Process, key: string, dies: Promise<void>) => Promise<void>,
  ): Promise<void> {
    const processes = await Promise.all(libraries.map((library) => open(library, wire.url, { busyTimeout: 1000 })))
    let kill: () => void = () => undefined
    const dies = new Promise<void>((resolve) => {
      kill = resolve
    }).then(() => server.kill())
    const checks = processes.map((process, n) => check(process, `${tableName()}${n}`, dies))
    await Promise.all([
      Promise.all(checks),
      new Promise((resolve) => setTimeout(resolve, 300)).then(kill),
      dies.then(() => server.restart()),
    ])
    for (const process of processes) {
      await process.idle()
      await process.close()
    }
    await seen.noLocks()
  }
  const restarted = async (): Promise<void> => {
    for (;;) {
      const up = await seen.pool.query('select 1').then(
        () => true,
        () => false,
      )
      if (up) return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  test('under the handler: nothing of it stands, and it may run again', () =>
    whileKilled(async (process, key, dies) => {
      expect(await order(process, key, () => dies)).toMatch(/^threw (?:store-unavailable|transaction-ended)$/)
      await restarted()
      expect(await seen.effects(key)).toBe(0)
      expect(await order(process, key)).toBe('done made')
      expect(await order(process, key)).toBe('replayed made')
      expect(await seen.effects(key)).toBe(1)
    }))

  test('after COMMIT was done and before it was acknowledged: the first answer is told, once', () =>
    whileKilled(async (process, key, dies) => {
      wire.trap(/commit$/, 'silence')
      expect(await order(process, key)).toMatch(/^(?:threw store-unavailable|done made)$/)
      await dies
      await restarted()
      expect(await seen.effects(key)).toBe(1)
      expect(await order(process, key)).toBe('replayed made')
      expect(await seen.effects(key)).toBe(1)
    }))

  test('between the claim and the settlement: the attempt that made the effect records it when the server is back', () =>
    whileKilled(async (process, key, dies) => {
      let effects = 0
      const first = await charge(process, key, async () => {
        effects++
        await dies
        await restarted()
      })
      expect(first).toBe('done made')
      expect(await charge(process, key, async () => effects++)).toBe('replayed made')
      expect(effects).toBe(1)
    }))
})
