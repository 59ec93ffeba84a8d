/**
 * Cuts the power of Redis in the middle of its work, again and again, and counts what had been acknowledged and is lost. The
 * services stay, and keep no answer in memory: what they know is what Redis knows.
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../scripts/services/until.ts'
import { type Chance, chanceFrom } from './chance.ts'
import { type Clients, type Order, openClients } from './clients.ts'
import { startFleet } from './fleet.ts'
import { type RecordedRedis, startRecordedRedis } from './recorded-redis.ts'
import { paths } from './redis-chaos.ts'
import { type Answer, meaningOf, Told } from './told.ts'
import { startWitness } from './witness.ts'

export interface PowerCutReport {
  readonly cuts: number
  readonly keys: number
  readonly requests: number
  /** Operations that were answered before a cut. */
  readonly acknowledged: number
  /** Of those, how many were new to Redis after it. */
  readonly lost: number
  /** Operations executed more than once. */
  readonly twice: number
  readonly lostBytes: number
  /** How long before its cut the oldest of the lost had been answered. */
  readonly oldestLostMs: number
}

const SERVICES = 2
const OPERATIONS_AT_ONCE = 12
const ACKNOWLEDGED_MIN = 30

export async function redisPowerCuts(
  options: { readonly cuts: number; readonly seed: number; readonly appendfsync: 'always' | 'everysec' },
  tell: (line: string) => void = () => undefined,
): Promise<PowerCutReport> {
  const { appendfsync, seed } = options
  const chance = chanceFrom(seed)
  const witness = await startWitness()
  const redis = await startRecordedRedis(appendfsync)
  const report = { cuts: 0, keys: 0, requests: 0, acknowledged: 0, lost: 0, twice: 0, lostBytes: 0, oldestLostMs: 0 }
  try {
    const fleet = await startFleet(SERVICES, (slot) => ({
      store: 'redis',
      url: redis.url,
      witness: witness.url,
      leaseMs: 800,
      replayCacheBytes: 0,
      client: slot === 0 ? 'ioredis' : 'node-redis',
      everysec: appendfsync === 'everysec',
      seed: chance.between(0, 2 ** 30),
    }))
    try {
      for (; report.cuts < options.cuts; report.cuts++) {
        const round = await oneCut(`${seed}-${report.cuts}`, redis, () => fleet.urls(), chance)
        report.keys += round.keys
        report.requests += round.requests
        report.acknowledged += round.acknowledged
        report.lost += round.lost
        report.lostBytes += round.lostBytes
        report.oldestLostMs = Math.max(report.oldestLostMs, round.oldestLostMs)
        tell(`cut ${report.cuts + 1}: ${round.acknowledged} acknowledged, ${round.lost} of them lost`)
      }
    } finally {
      await fleet.stop()
    }
    report.twice = [...witness.executions.values()].filter((times) => times > 1).length
    return report
  } finally {
    await redis.stop()
    witness.close()
  }
}

async function oneCut(
  name: string,
  redis: RecordedRedis,
  urls: () => readonly string[],
  chance: Chance,
): Promise<Pick<PowerCutReport, 'keys' | 'requests' | 'acknowledged' | 'lost' | 'lostBytes' | 'oldestLostMs'>> {
  const told = new Told()
  const orders: Order[] = []
  const clients = openClients(urls, told, chance)
  try {
    const dark = new AbortController()
    const load = Array.from({ length: OPERATIONS_AT_ONCE }, async () => {
      while (!dark.signal.aborted) {
        const order = { key: `cut-${name}-${orders.length}`, path: chance.pick(paths) }
        orders.push(order)
        await clients.spray(order, dark.signal)
      }
    })
    const powered = async (): Promise<void> => {
      await sleep(chance.between(1200, 2600))
      // A busy machine may not have done enough by then to lose any of it.
      await until(() => told.done.size >= ACKNOWLEDGED_MIN, 10_000)
    }
    await Promise.race([powered(), Promise.all(load)])
    const cutAtMs = performance.now()
    const { lostBytes } = await redis.cutPower()
    const acknowledged = new Map(told.done)
    dark.abort()
    await Promise.all(load)
    await redis.restart()

    let lost = 0
    let oldestLostMs = 0
    // Clients that know nothing of what was told before: a second execution has another answer.
    const again = openClients(urls, new Told(), chance)
    try {
      await inTurns(orders, async (order) => {
        const before = acknowledged.get(order.key)
        const end = await endOf(order, again, urls, chance)
        if (before === undefined || (end.replayed && end.text === before.text)) return
        lost++
        oldestLostMs = Math.max(oldestLostMs, cutAtMs - before.atMs)
      })
    } finally {
      await again.close()
    }
    return {
      keys: orders.length,
      requests: clients.traffic.requests + again.traffic.requests,
      acknowledged: acknowledged.size,
      lost,
      lostBytes,
      oldestLostMs,
    }
  } finally {
    await clients.close()
  }
}

async function inTurns(orders: readonly Order[], work: (order: Order) => Promise<void>): Promise<void> {
  const left = [...orders]
  const worker = async (): Promise<void> => {
    for (let order = left.pop(); order !== undefined; order = left.pop()) await work(order)
  }
  await Promise.all(Array.from({ length: OPERATIONS_AT_ONCE }, worker))
}

async function endOf(order: Order, clients: Clients, urls: () => readonly string[], chance: Chance): Promise<Answer> {
  for (const deadline = performance.now() + 60_000; performance.now() < deadline; await sleep(chance.between(5, 80))) {
    const answer = await clients.send(order, chance.pick(urls()))
    if (answer === undefined) continue
    const meaning = meaningOf(answer)
    if (meaning === 'done' || meaning === 'unknown') return answer
  }
  return assert.fail(`${order.key} came to no end after the cut`)
}
