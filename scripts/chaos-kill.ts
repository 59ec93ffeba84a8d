// Kills the reference service in the middle of its work for as many rounds as asked, and checks after each that every
// transfer happened once and every answer stayed the same. `npm run chaos:kill -- --rounds 50 --seed 7`
import { parseArgs } from 'node:util'
import { buildLedger } from '../apps/ledger/testing/process.ts'
import { killRounds } from '../test/ledger/kill-rounds.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string' }, seed: { type: 'string' } } })
const rounds = Number(values.rounds ?? 50)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
if (!Number.isInteger(rounds) || rounds < 1 || rounds > 10_000 || !Number.isInteger(seed)) {
  console.error('Usage: npm run chaos:kill -- [--rounds 1..10000] [--seed integer]')
  process.exit(2)
}

console.log(`seed ${seed}, ${rounds} rounds`)
await buildLedger()
const report = await killRounds({ rounds, seed }, console.log)
console.log(
  `\n${report.rounds} kills, ${report.keys} keys: ${report.posted} transfers posted once each, ${report.refused} refusals.\n` +
    `${report.unanswered} requests were cut off; ${report.happenedUnseen} of them had happened, and were answered as replays.\n` +
    'Every answer of every key was the same, and the balances are exact.',
)
