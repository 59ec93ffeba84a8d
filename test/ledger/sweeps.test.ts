// Every process of a ledger may sweep whenever it likes, also at the same moment as another.
import pg from 'pg'
import { createReprise, type Reprise } from 'reprise'
import { type Clock, systemClock } from 'reprise/engine'
import { postgres } from 'reprise/postgres'
import { expect, test } from 'vitest'
import { freshSchemas } from '../../apps/ledger/testing/databases.ts'
import { describeWith } from '../services/services.ts'

const describePostgres = await describeWith('postgres')

const OPERATIONS = 300
const HOUR_MS = 3_600_000

describePostgres('sweeps of several processes', () => {
  const make = freshSchemas()

  test('at once: each record is retired once, and none is run again', async () => {
    const fresh = await make()
    const url = fresh.place.kind === 'postgres' ? fresh.place.url : ''
    let laterMs = 0
    const clock: Clock = { ...systemClock, now: () => systemClock.now() + laterMs }
    const processes = Array.from({ length: 3 }, () => {
      const pool = new pg.Pool({ connectionString: url })
      const store = postgres({ pool, clock })
      const options = { store, clock, dangerouslyShareKeysAmongCallers: true, replayCacheBytes: 0 } as const
      return { pool, store, reprise: createReprise({ ...options, retention: '1h', tombstone: '1h' }) }
    })
    const [first] = processes
    await first?.store.migrate()
    try {
      const keys = Array.from({ length: OPERATIONS }, (_, at) => `key-${at}`)
      for (const key of keys) expect(await run(first?.reprise, key)).toBe('done')

      laterMs = 1.5 * HOUR_MS
      const sweepAll = () => Promise.all(processes.map(({ reprise }) => reprise.sweep(1000)))
      const swept = await sweepAll()
      expect(swept.reduce((total, { expired }) => total + expired, 0)).toBe(OPERATIONS)
      for (const key of keys.slice(0, 20)) expect(await run(first?.reprise, key)).toBe('expired')

      laterMs = 3 * HOUR_MS
      expect((await sweepAll()).reduce((total, { forgotten }) => total + forgotten, 0)).toBe(OPERATIONS)
      expect(await fresh.ask('select count(*) as n from reprise_records')).toEqual([{ n: 0 }])
    } finally {
      for (const { pool, store } of processes) {
        await store.close()
        await pool.end()
      }
      await fresh.remove()
    }
  })
})

async function run(reprise: Reprise | undefined, key: string): Promise<string | undefined> {
  const policy = { name: 'note', guarantee: 'transactional' } as const
  return (await reprise?.run(policy, { principal: 'p', key }, async () => 'noted'))?.kind
}
