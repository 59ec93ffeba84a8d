// Kills and freezes services and their database server under load for as many rounds as asked, and checks afterwards that
// each operation happened once and was told so. On Redis it also cuts the power, and counts what that loses.
// `node --import tsx --conditions=source scripts/chaos-stores.ts --store mysql --rounds 20 --seed 7`
import { parseArgs } from 'node:util'
import type { Aftermath } from '../test/chaos/chaos.ts'
import { mariadbChaos } from '../test/chaos/mariadb-chaos.ts'
import { compiler } from '../test/chaos/recorded-redis.ts'
import { type RedisAftermath, redisChaos } from '../test/chaos/redis-chaos.ts'
import { redisPowerCuts } from '../test/chaos/redis-power-cut.ts'

const { values } = parseArgs({
  options: { store: { type: 'string' }, rounds: { type: 'string' }, seed: { type: 'string' } },
})
const rounds = Number(values.rounds ?? 10)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
if (!Number.isInteger(rounds) || rounds < 1 || rounds > 10_000 || !Number.isInteger(seed)) usage()

console.log(`seed ${seed}, ${rounds} rounds`)
if (values.store === 'mysql') {
  summarize(await mariadbChaos({ rounds, seed }, console.log))
  console.log('Each operation has one effect and one answer, and no transaction was left open.')
} else if (values.store === 'redis') await onRedis()
else usage()

async function onRedis(): Promise<void> {
  for (const [faults, appendfsync] of [
    ['of-services', 'always'],
    ['of-both', 'always'],
    ['of-both', 'everysec'],
  ] as const) {
    console.log(`\nfaults ${faults}, appendfsync ${appendfsync}`)
    const aftermath: RedisAftermath = await redisChaos({ rounds, seed, faults, appendfsync }, console.log)
    summarize(aftermath)
    console.log(`${aftermath.executions} operations were executed, none twice; ${aftermath.unknown} are unknown.`)
  }
  if (compiler === undefined) {
    console.log('\nNo C compiler was found: no power was cut.')
    return
  }
  for (const appendfsync of ['always', 'everysec'] as const) {
    console.log(`\npower cuts, appendfsync ${appendfsync}`)
    const { cuts, keys, requests, acknowledged, lost, twice, lostBytes, oldestLostMs } = await redisPowerCuts(
      { cuts: rounds * 2, seed, appendfsync },
      console.log,
    )
    console.log(
      `${cuts} cuts, ${keys} operations, ${requests} requests: ${acknowledged} acknowledged before a cut, ${lost} of them ` +
        `lost (${lostBytes} bytes, the oldest ${Math.round(oldestLostMs)} ms before its cut), ${twice} executed twice.`,
    )
    if (appendfsync === 'always' && lost + twice > 0) process.exitCode = 1
  }
}

function summarize({ keys, traffic, inflicted, endedLate, told }: Aftermath): void {
  console.log(
    `${keys.length} operations, ${traffic.requests} requests: ${told.done.size} done, ${told.unknown.size} told unknown, ` +
      `of which ${endedLate} ended late.\n${traffic.cut} answers cut off, ${traffic.replays} duplicates answered by ` +
      `replay, ${traffic.inProgress} told to wait, ${traffic.again} told to come again.\n` +
      `Inflicted: ${JSON.stringify(inflicted)}.`,
  )
}

function usage(): never {
  console.error('Usage: scripts/chaos-stores.ts --store mysql|redis [--rounds 1..10000] [--seed integer]')
  process.exit(2)
}
