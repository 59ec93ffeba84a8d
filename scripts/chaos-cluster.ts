// Kills four processes of the reference service and their PostgreSQL in the middle of their work for as many rounds as asked,
// and checks after each that every transfer happened once and every answer stayed the same, whoever gave it.
// `npm run chaos:cluster -- --rounds 25 --seed 7 [--one-address]`
import { parseArgs } from 'node:util'
import { buildLedger } from '../apps/ledger/testing/process.ts'
import { clusterChaos } from '../test/ledger/cluster/chaos.ts'
import { type EventName, eventNames } from '../test/ledger/cluster/events.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string' }, seed: { type: 'string' }, 'one-address': { type: 'boolean', default: false } },
})
const rounds = Number(values.rounds ?? 25)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
if (!Number.isInteger(rounds) || rounds < 1 || rounds > 10_000 || !Number.isInteger(seed)) {
  console.error('Usage: npm run chaos:cluster -- [--rounds 1..10000] [--seed integer] [--one-address]')
  process.exit(2)
}
const behind = values['one-address'] ? 'one address' : 'addresses'

console.log(`seed ${seed}, ${rounds} rounds, processes behind ${behind}`)
await buildLedger()
const startedMs = performance.now()
const { keys, posted, refused, requests, events } = await clusterChaos(
  { rounds, seed, faultsMs: 6000, behind },
  console.log,
)
console.log(
  `\n${Math.round((performance.now() - startedMs) / 1000)} s, ${requests} requests with ${keys} keys: ` +
    `${posted} transfers posted once each, ${refused} refusals.\n` +
    'Every answer of every key was the same from every process, and the balances are exact.\n\n' +
    events.lines().join('\n'),
)

/** What can't be told apart where all have one address. */
const needAddresses: readonly EventName[] = [
  'replayed by another process than the one that did it',
  'attempt lost, made by another process',
]
const expected = eventNames.filter((name) => behind === 'addresses' || !needAddresses.includes(name))
const missing = rounds < 10 ? [] : events.missing(expected)
if (missing.length > 0) {
  console.error(`\nThe run proves less than it should: these never happened: ${missing.join('; ')}.`)
  process.exitCode = 1
}
