/** Contenders measured in turns (A B C A B C …), because only figures of the same minutes can be compared. */

import { contenderNamed } from './contenders.ts'
import { homesOn, type RedisSync } from './homes.ts'
import { load } from './load.ts'
import { type Running, start } from './running.ts'
import type { Services } from './services.ts'
import { type Spread, spread } from './spread.ts'
import { order, verify } from './verify.ts'
import { freshKeys, knownInTurn, knownPrefix } from './workload.ts'

/** One line of the table: contender A against contender B. */
export interface Duel {
  readonly what: string
  readonly a: string
  readonly b: string
  /** What A ÷ B should reach; none for a duel that only informs. */
  readonly target?: number
}

/** Duels whose contenders take their turns together. */
export interface Contest {
  readonly id: string
  /** Fresh ones are first calls, known ones replays. */
  readonly keys: 'fresh' | 'known'
  readonly redisSync?: RedisSync
  readonly duels: readonly Duel[]
}

export interface Verdict {
  readonly duel: Duel
  readonly a: Spread
  readonly b: Spread
  readonly ratio: Spread
}

export interface Pace {
  readonly rounds: number
  readonly seconds: number
  /** How many keys the replays go round. */
  readonly knownKeys: number
  /** Whether there is a round before the first, to warm up. */
  readonly warmUp: boolean
  /** A folder for what each contender spends its CPU on. */
  readonly profiles?: string | undefined
}

export async function hold(contest: Contest, services: Services, pace: Pace): Promise<Verdict[]> {
  const homes = homesOn(services, contest.redisSync)
  const running: Running[] = []
  try {
    const names = [...new Set(contest.duels.flatMap(({ a, b }) => [a, b]))]
    const places: string[] = []
    for (const name of names) places.push(await homes.open(contenderNamed(name).home))
    running.push(...(await Promise.all(names.map((name, n) => start(name, places[n] as string, pace.profiles)))))
    for (const contender of running) {
      await verify(contender)
      if (contest.keys === 'known') await makeKnown(contender.port, pace.knownKeys)
    }
    const figures = new Map(running.map(({ name }): [string, number[]] => [name, []]))
    for (let round = pace.warmUp ? 0 : 1; round <= pace.rounds; round++) {
      for (const { name, port } of running) {
        const keys = contest.keys === 'known' ? knownInTurn(pace.knownKeys) : freshKeys()
        const { perSecond } = await load({ port, seconds: pace.seconds, keys })
        if (round > 0) figures.get(name)?.push(perSecond)
      }
    }
    return contest.duels.map((duel) => {
      const [a = [], b = []] = [figures.get(duel.a), figures.get(duel.b)]
      return { duel, a: spread(a), b: spread(b), ratio: spread(a.map((figure, round) => figure / (b[round] ?? 0))) }
    })
  } finally {
    for (const contender of running) await contender.stop()
    await homes.close()
  }
}

/** First calls for all known keys, so that the rounds are made of replays alone. */
async function makeKnown(port: number, count: number): Promise<void> {
  for (let n = 0; n < count; n += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, more) => order(port, `${knownPrefix}${n + more}`)))
  }
}
