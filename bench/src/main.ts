/** `npm run bench`: every contest, interleaved, as tables; `npm run bench -- P1 R1` holds those. */

import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { hold, type Pace } from './contest.ts'
import { contests } from './contests.ts'
import { cost } from './cpu.ts'
import { fewOf, grow, growths } from './growth/contest.ts'
import { generator } from './load.ts'
import { privateServices, type Services } from './services.ts'
import { fine, head, print, row, whole } from './table.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Only shows that everything runs. */
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    /** How many G1 compares with a thousandth of it. */
    records: { type: 'string' },
    profiles: { type: 'string' },
  },
})
const { quick, profiles } = values
const pace: Pace = quick
  ? { rounds: 1, seconds: 1, knownKeys: 200, warmUp: false, profiles }
  : { rounds: Number(values.rounds), seconds: Number(values.seconds), knownKeys: 1000, warmUp: true, profiles }
const records = Number(values.records ?? (quick ? 2_000 : 10_000_000))

const ids = [...new Set(contests.map(({ id }) => id)), 'E1', 'G1']
const unknown = positionals.filter((id) => !ids.includes(id))
if (unknown.length > 0) throw new Error(`There is no ${unknown.join(', ')}: only ${ids.join(', ')}.`)
const wanted = (id: string): boolean => positionals.length === 0 || positionals.includes(id)

async function throughput(services: Services): Promise<void> {
  // Under the other setting the same contenders run once more: nothing that a quick run would show.
  const held = contests.filter(({ id, redisSync }) => wanted(id) && !(quick && redisSync === 'everysec'))
  if (held.length === 0) return
  head('id', 'what', 'A per second', 'B per second', 'A ÷ B', 'target')
  for (const contest of held) {
    for (const { duel, a, b, ratio } of await hold(contest, services, pace)) {
      row(contest.id, duel.what, whole(a), whole(b), fine(ratio), duel.target === undefined ? '' : `≥ ${duel.target}`)
    }
  }
}

async function processing(): Promise<void> {
  if (!wanted('E1')) return
  head('id', 'what', 'bare handler, µs of CPU', 'added, µs of CPU', 'target')
  for (const guarantee of ['transactional', 'guarded'] as const) {
    const { bare, added } = await cost(guarantee, pace.rounds, quick ? 500 : 20_000)
    row('E1', `engine and HTTP layer on the memory store, ${guarantee}`, fine(bare), fine(added), '≤ 25')
  }
}

async function growing(services: Services): Promise<void> {
  if (!wanted('G1')) return
  const count = (n: number): string => n.toLocaleString('en')
  const [many, few] = [count(records), count(fewOf(records))]
  head('id', 'what', `p50 at ${many} records, µs`, `p50 at ${few}, µs`, 'ratio', 'target')
  for (const growth of growths) {
    for (const { what, many, few, ratio } of await grow(growth, services, pace, records)) {
      row('G1', what, whole(many), whole(few), fine(ratio), '≤ 1.2')
    }
  }
}

const services = privateServices()
const interrupted = (): void => {
  void services.stop().finally(() => process.exit(1))
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, interrupted)

print(
  `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, ${generator}`,
)
print(`${pace.rounds} rounds of ${pace.seconds} s per contender, in turns; min / median / max`)
try {
  await throughput(services)
  await processing()
  await growing(services)
} finally {
  await services.stop()
}
