/**
 * `npm run bench`: every contest of the embedded store, interleaved, as a table.
 * `-- --quick` only shows that it runs; `-- --only S2` runs one contest; `-- --rounds N --seconds N`.
 */

import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { type Contest, hold, type Spread } from './contest.ts'
import { cost } from './cpu.ts'
import { generator } from './load.ts'

const contests: readonly Contest[] = [
  {
    id: 'S1',
    what: 'SQLite, transactional, durable ÷ the same handler without idempotency, one commit per request',
    a: 'reprise-sqlite',
    b: 'bare-sqlite',
    replay: false,
    target: 5,
  },
  {
    id: 'S2',
    what: 'SQLite, first call ÷ a handler that does nothing',
    a: 'reprise-sqlite',
    b: 'nothing',
    replay: false,
    target: 0.6,
  },
  {
    id: 'S3',
    what: 'SQLite, replay ÷ a handler that does nothing',
    a: 'reprise-sqlite',
    b: 'nothing',
    replay: true,
    target: 0.9,
  },
]

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
  },
})
const rounds = values.quick ? 1 : Number(values.rounds)
const seconds = values.quick ? 1 : Number(values.seconds)
const wanted = (id: string): boolean => values.only === undefined || values.only === id

const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}
const whole = ({ min, median, max }: Spread): string => [min, median, max].map((n) => Math.round(n)).join(' / ')
const fine = ({ min, median, max }: Spread): string => [min, median, max].map((n) => n.toFixed(2)).join(' / ')

print(
  `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, ${generator}`,
)
print(`${rounds} rounds of ${seconds} s per contender, in turns; min / median / max`)
print('')
print('| id | what | A per second | B per second | A ÷ B | target |')
print('| --- | --- | --- | --- | --- | --- |')
for (const contest of contests.filter(({ id }) => wanted(id))) {
  const verdict = await hold(contest, rounds, seconds)
  print(
    `| ${contest.id} | ${contest.what} | ${whole(verdict.a)} | ${whole(verdict.b)} | ${fine(verdict.ratio)} | ≥ ${contest.target} |`,
  )
}
if (wanted('E1')) {
  print('')
  print('| id | what | bare handler, µs of CPU | added, µs of CPU | target |')
  print('| --- | --- | --- | --- | --- |')
  for (const guarantee of ['transactional', 'guarded'] as const) {
    const { bare, added } = await cost(guarantee, rounds, values.quick ? 500 : 20_000)
    print(`| E1 | engine and HTTP layer on the memory store, ${guarantee} | ${fine(bare)} | ${fine(added)} | ≤ 25 |`)
  }
}
