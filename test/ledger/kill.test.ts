// A few rounds of what scripts/chaos-kill.ts does for longer.
import { beforeAll, expect, test } from 'vitest'
import { buildLedger } from '../../apps/ledger/testing/process.ts'
import { killRounds } from './kill-rounds.ts'

beforeAll(buildLedger, 120_000)

test('killed in the middle of its work, the ledger has done each thing once and says so', async () => {
  const report = await killRounds({ rounds: 4, seed: 20_261_124 })
  expect(report.rounds).toBe(4)
  expect(report.posted).toBeGreaterThan(0)
  expect(report.refused).toBeGreaterThan(0)
  // Without these the rounds would have killed an idle process, or lost no answer that mattered, and proved nothing.
  expect(report.unanswered).toBeGreaterThan(0)
  expect(report.happenedUnseen).toBeGreaterThan(0)
}, 120_000)
