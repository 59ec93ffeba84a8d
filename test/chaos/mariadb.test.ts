// A round of what scripts/chaos-stores.ts does for longer.
import { expect, test } from 'vitest'
import { describeWith } from '../services/services.ts'
import { mariadbChaos } from './mariadb-chaos.ts'

const describeMariadb = await describeWith('mariadb')

describeMariadb('services on MariaDB, both killed and frozen in the middle of their work', () => {
  test('have done each thing once and say so', async () => {
    const { keys, traffic, inflicted } = await mariadbChaos({ rounds: 1, seed: 20_261_204 })
    expect(inflicted).toEqual({ 'kill-service': 2, 'pause-service': 1, 'kill-server': 1, 'pause-server': 1 })
    // Without these nothing was proved.
    expect(keys.length).toBeGreaterThan(20)
    expect(traffic.cut).toBeGreaterThan(0)
    expect(traffic.replays).toBeGreaterThan(0)
  }, 120_000)
})
