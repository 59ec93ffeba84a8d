// A few of the power cuts that scripts/chaos-stores.ts makes for longer.
import { expect, test } from 'vitest'
import { describeWith } from '../services/services.ts'
import { compiler } from './recorded-redis.ts'
import { redisPowerCuts } from './redis-power-cut.ts'

const describeRedis = await describeWith('redis')

// test/power-cut complains where there is no compiler.
describeRedis('a power cut of Redis', () => {
  test.runIf(compiler !== undefined)(
    'loses nothing acknowledged with appendfsync always, and nothing runs twice',
    async () => {
      const report = await redisPowerCuts({ cuts: 2, seed: 20_261_207, appendfsync: 'always' })
      expect(report.acknowledged).toBeGreaterThan(50)
      expect(report).toMatchObject({ lost: 0, twice: 0 })
    },
    120_000,
  )

  test.runIf(compiler !== undefined)(
    'loses what was acknowledged in the last second or two with everysec, and that runs again: the control',
    async () => {
      const report = await redisPowerCuts({ cuts: 3, seed: 20_261_208, appendfsync: 'everysec' })
      expect(report.acknowledged).toBeGreaterThan(50)
      expect(report.lost).toBeGreaterThan(0)
      // Not all of the lost: one whose claim was synced in time becomes unknown.
      expect(report.twice).toBeGreaterThan(0)
      // Two seconds, and what a busy machine adds to them.
      expect(report.oldestLostMs).toBeLessThan(3000)
    },
    120_000,
  )
})
