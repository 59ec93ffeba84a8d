/**
 * Services that are killed and frozen, on a server that is killed and frozen, under clients that hang up and send again.
 *
 * Fault model: a process dies or stops between any two instructions (SIGKILL, SIGSTOP), and so does the server; its folder
 * survives, as far as the operating system has it. Connections break at any moment. What a run does depends on the
 * machine's timing too: the seed fixes the faults and their order, not the instants.
 *
 * When all is well again, each operation is sent once more to every process, and has to be told the same as before.
 */
import assert from 'node:assert/strict'
import { until } from '../../scripts/services/until.ts'
import type { Server } from '../../scripts/services.ts'
import { type Chance, chanceFrom } from './chance.ts'
import { type Clients, type Order, openClients, type Traffic } from './clients.ts'
import { type Fault, inflict } from './faults.ts'
import { type Fleet, startFleet } from './fleet.ts'
import type { ServiceTerms } from './service.ts'
import { meaningOf, Told } from './told.ts'

export interface Chaos {
  readonly server: Server
  /** What each round inflicts, in an order that is drawn. */
  readonly faults: readonly Fault[]
  readonly rounds: number
  readonly seed: number
  readonly leaseMs: number
  readonly paths: readonly string[]
  readonly terms: Pick<ServiceTerms, 'store' | 'everysec' | 'witness'>
  readonly tell?: (line: string) => void
}

export interface Aftermath {
  readonly told: Told
  readonly keys: readonly string[]
  readonly traffic: Traffic
  readonly inflicted: Readonly<Record<Fault, number>>
  /** Operations told to be unknown that ended all the same, by the attempt that had been given up. */
  readonly endedLate: number
}

const SERVICES = 3
const OPERATIONS_AT_ONCE = 10
const ENDED_BETWEEN_FAULTS = 10
const UNDER_WAY_WITHIN_MS = 5_000

export async function chaos(plan: Chaos): Promise<Aftermath> {
  const chance = chanceFrom(plan.seed)
  const told = new Told()
  const keys: string[] = []
  const inflicted = { 'kill-service': 0, 'pause-service': 0, 'kill-server': 0, 'pause-server': 0 }
  const fleet = await startFleet(SERVICES, (slot) => termsOf(plan, slot, chance))
  const clients = openClients(() => fleet.urls(), told, chance)
  try {
    let over = false
    let ended = 0
    const load = Array.from({ length: OPERATIONS_AT_ONCE }, async () => {
      while (!over) {
        const key = `operation-${plan.seed}-${keys.length}`
        keys.push(key)
        await clients.spray(orderOf(key, plan.paths))
        ended++
      }
    })
    // Faults that follow faster than services start would meet nobody at work.
    const underWay = (): Promise<boolean> => {
      const before = ended
      const isUnderWay = () => over || (fleet.urls().length >= SERVICES - 1 && ended >= before + ENDED_BETWEEN_FAULTS)
      return until(isUnderWay, UNDER_WAY_WITHIN_MS)
    }
    const faults = async (): Promise<void> => {
      const target = { fleet, server: plan.server, pauseMs: plan.leaseMs * 1.3 }
      for (let round = 1; round <= plan.rounds && !over; round++) {
        for (const fault of chance.shuffled(plan.faults)) {
          await underWay()
          await inflict(fault, target, chance)
          inflicted[fault]++
        }
        plan.tell?.(`round ${round}: ${keys.length} operations, ${clients.traffic.requests} requests`)
      }
    }
    try {
      await Promise.race([faults(), Promise.all(load)])
    } finally {
      over = true
    }
    await Promise.all(load)
    await fleet.whole()
    await askEverybody(keys, plan, fleet, clients, told)
    const endedLate = [...told.unknown.keys()].filter((key) => told.done.has(key)).length
    return { told, keys, traffic: clients.traffic, inflicted, endedLate }
  } finally {
    await clients.close()
    await fleet.stop()
  }
}

function termsOf({ server, leaseMs, terms }: Chaos, slot: number, chance: Chance): ServiceTerms {
  return {
    ...terms,
    url: server.url,
    leaseMs,
    replayCacheBytes: slot === 0 ? 0 : 1_048_576,
    client: slot % 2 === 0 ? 'ioredis' : 'node-redis',
    seed: chance.between(0, 2 ** 30),
  }
}

function orderOf(key: string, paths: readonly string[]): Order {
  return { key, path: paths[Number(key.split('-').at(-1)) % paths.length] as string }
}

/** The end as every process tells it. */
async function askEverybody(
  keys: readonly string[],
  { paths }: Chaos,
  fleet: Fleet,
  clients: Clients,
  told: Told,
): Promise<void> {
  for (const url of fleet.urls()) {
    const left = [...keys]
    const ask = async (): Promise<void> => {
      for (let key = left.pop(); key !== undefined; key = left.pop()) {
        const answer = await clients.send(orderOf(key, paths), url)
        assert.ok(answer !== undefined, `${key} got no answer although all is well`)
        const meaning = meaningOf(answer)
        assert.ok(meaning === 'done' || meaning === 'unknown', `${key} is at no end: ${answer.status} ${answer.text}`)
        assert.ok(meaning === 'done' || !told.done.has(key), `${key} was done, and is unknown`)
        // Replayed: nothing may run any more.
        assert.ok(meaning === 'unknown' || answer.replayed, `${key} ran although all had been answered`)
        told.note(key, answer)
      }
    }
    await Promise.all(Array.from({ length: 16 }, ask))
  }
}
