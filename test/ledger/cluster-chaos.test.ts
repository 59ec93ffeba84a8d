// A round or two of what scripts/chaos-cluster.ts does for longer.
import { beforeAll, expect, test } from 'vitest'
import { buildLedger } from '../../apps/ledger/testing/process.ts'
import { describeWith } from '../services/services.ts'
import { clusterChaos } from './cluster/chaos.ts'

const describePostgres = await describeWith('postgres')

describePostgres('four processes on one database, all of them killed at random', () => {
  beforeAll(buildLedger, 120_000)

  test('each thing is done once, whoever is asked says the same, and nothing stays open', async () => {
    const report = await clusterChaos({ rounds: 1, seed: 20_261_124, faultsMs: 4000, behind: 'addresses' })
    expect(report.posted).toBeGreaterThan(20)
    // Without these the round would have proved nothing. The rarer ones are left to the long run.
    const musts = [
      'process killed at work',
      'database killed',
      'database stopped and continued',
      'connections to the database cut',
      'cut after COMMIT, before its answer',
      'request cut by its client',
      'told that another is running',
      'told that the database is away',
      'refused for want of money',
      'replayed by another process than the one that did it',
      'answer lost after the transfer was made, told by a replay',
    ] as const
    expect(report.events.missing(musts)).toEqual([])
  }, 120_000)
})
