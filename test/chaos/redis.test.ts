// Rounds of what scripts/chaos-stores.ts does for longer.
import { expect, test } from 'vitest'
import { describeWith } from '../services/services.ts'
import { type RedisAftermath, redisChaos } from './redis-chaos.ts'

const describeRedis = await describeWith('redis')

/** Without these nothing was proved. */
function isProof({ keys, traffic, executions }: RedisAftermath): void {
  expect(keys.length).toBeGreaterThan(20)
  expect(executions).toBeGreaterThan(20)
  expect(traffic.cut).toBeGreaterThan(0)
  expect(traffic.replays).toBeGreaterThan(0)
}

describeRedis('services on Redis', () => {
  test('that are killed and frozen have done nothing twice, and say what is unknown', async () => {
    isProof(await redisChaos({ rounds: 1, seed: 20_261_205, faults: 'of-services', appendfsync: 'always' }))
  }, 120_000)

  test.each(['always', 'everysec'] as const)(
    'whose server is killed and frozen too have done nothing twice, appendfsync %s',
    async (appendfsync) => {
      isProof(await redisChaos({ rounds: 1, seed: 20_261_206, faults: 'of-both', appendfsync }))
    },
    120_000,
  )
})
