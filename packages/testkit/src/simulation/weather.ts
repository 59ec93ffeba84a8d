/**
 * The weather of one run: which faults exist in it at all, and how strong they are. Drawn anew for every seed, because a
 * mixture of everything hides what two faults do together, and a bug often needs one thing to be frequent and another to
 * be absent. fault-model.md says which faults may come together and what must then still hold.
 */

import type { Guarantee } from 'reprise'
import type { Random } from './random.ts'

/** One direction of a link, by probabilities per message. */
export interface LinkWeather {
  readonly latencyMs: number
  readonly loseRequest: number
  readonly loseAnswer: number
  /** The request arrives, but later than its sender waits. */
  readonly late: number
  readonly lateMs: number
  readonly double: number
}

export interface HandlerWeather {
  readonly workMs: number
  /** Answers at once, without waiting for anything. */
  readonly synchronous: number
  readonly slow: number
  readonly throwBefore: number
  readonly throwAfter: number
  readonly notApplied: number
  readonly refuse: number
  readonly refuseForNow: number
  readonly fail: number
  readonly doNotStore: number
}

export interface Weather {
  readonly calm: boolean
  readonly guarantee: Guarantee
  readonly commitPoint: 'first-line' | 'named'
  readonly nodes: number
  readonly operations: number
  readonly clientsPerOperation: number
  readonly tries: number
  readonly leaseMs: number
  readonly retentionMs: number
  readonly tombstoneMs: number
  /** Long after the chaos, keys are used again: around the end of retention and of the tombstone. */
  readonly afterlife: boolean
  readonly waitMs: number
  readonly wakesWaiters: boolean
  readonly chaosMs: number
  /** How long callers, and the clients of the store, wait. */
  readonly callerTimeoutMs: number
  readonly storeTimeoutMs: number
  readonly foreignTimeoutMs: number
  readonly network: LinkWeather & { readonly stale: number }
  readonly store: LinkWeather & { readonly refuse: number }
  readonly foreign: LinkWeather & { readonly refuse: number }
  /** What an overdue transaction can still do: nothing, or commit if nobody else has. */
  readonly transactions: 'given-up' | 'optimistic'
  readonly conflict: number
  readonly crashes: number
  /** Per message to the store: dies as it is sent or as it is applied. */
  readonly crashAtStep: number
  readonly pauses: number
  readonly partitions: number
  readonly storePauses: number
  readonly storeCrashes: number
  readonly failovers: number
  readonly lagMs: number
  readonly nodeClocks: number
  readonly storeClocks: number
  readonly unreadable: number
  readonly erasures: number
  readonly operators: boolean
  readonly sweeps: number
  readonly mismatches: number
  readonly twoPrincipals: boolean
  readonly revoke: boolean
  readonly handler: HandlerWeather
}

export interface WeatherOptions {
  readonly guarantee?: Guarantee | undefined
  readonly calm?: boolean | undefined
  /** Changes what was drawn, to see what a failure needs. */
  readonly weather?: Partial<Weather> | undefined
}

const calmShare = 0.15
const hourMs = 3_600_000

export function drawWeather(random: Random, options: WeatherOptions): Weather {
  const drawn = draw(random, options)
  return options.weather === undefined ? drawn : { ...drawn, ...options.weather }
}

function draw(random: Random, options: WeatherOptions): Weather {
  const drawnCalm = random.chance(calmShare)
  const calm = options.calm ?? drawnCalm
  const drawnGuarantee = random.pick(['transactional', 'resumable', 'guarded'] as const)
  const guarantee = options.guarantee ?? drawnGuarantee
  /** Half of the faults do not exist in this run; nor does any in calm weather. */
  const upTo = (strongest: number): number => {
    const exists = random.chance(0.5)
    const strength = random.fraction() * strongest
    return exists && !calm ? strength : 0
  }
  const times = (most: number): number => Math.ceil(upTo(most))
  /** What may happen in calm weather, too. */
  const always = (strongest: number): number => (random.chance(0.4) ? random.fraction() * strongest : 0)

  const leaseMs = random.pick([100, 200, 400, 1000])
  const shortLife = random.chance(0.25)
  const retentionMs = shortLife ? leaseMs * random.pick([1, 2, 8]) : hourMs
  return {
    calm,
    guarantee,
    commitPoint: random.pick(['first-line', 'named'] as const),
    nodes: 1 + random.below(3),
    operations: 1 + random.below(2),
    clientsPerOperation: 1 + random.below(3),
    tries: 2 + random.below(3),
    leaseMs,
    retentionMs,
    tombstoneMs: shortLife ? leaseMs * random.pick([0, 1, 4]) : 2 * hourMs,
    afterlife: shortLife || random.chance(0.1),
    waitMs: random.chance(0.25) ? random.pick([50, 300, 2000]) : 0,
    wakesWaiters: random.chance(0.5),
    chaosMs: leaseMs * random.between(1, 5),
    callerTimeoutMs: leaseMs * random.pick([0.3, 1, 3]),
    storeTimeoutMs: calm ? hourMs : random.pick([20, 60, 200]),
    foreignTimeoutMs: calm ? hourMs : random.pick([20, 60, 200]),
    network: { ...drawLink(random, upTo, leaseMs, 0.3), stale: upTo(0.2) },
    store: { ...drawLink(random, upTo, leaseMs, 0.2), refuse: upTo(0.15) },
    foreign: { ...drawLink(random, upTo, leaseMs, 0.3), refuse: upTo(0.3) },
    transactions: random.pick(['given-up', 'optimistic'] as const),
    conflict: upTo(0.2),
    crashes: times(3),
    crashAtStep: upTo(0.06),
    pauses: times(3),
    partitions: times(2),
    storePauses: times(1),
    storeCrashes: times(1),
    failovers: random.chance(0.12) ? times(2) : 0,
    lagMs: random.between(0, leaseMs),
    // Clocks of nodes may say what they like, also in calm weather: nothing rests on them.
    nodeClocks: random.chance(0.4) ? 1 + random.below(2) : 0,
    storeClocks: times(1.4),
    unreadable: random.chance(0.1) ? times(1) : 0,
    erasures: random.chance(0.1) ? 1 : 0,
    operators: random.chance(0.5),
    sweeps: random.chance(0.5) ? 1 + random.below(3) : 0,
    mismatches: always(0.4),
    twoPrincipals: random.chance(0.3),
    revoke: random.chance(0.1),
    handler: drawHandler(random, upTo, always, leaseMs, guarantee),
  }
}

function drawLink(random: Random, upTo: (p: number) => number, leaseMs: number, loss: number): LinkWeather {
  return {
    latencyMs: random.pick([0.2, 1, 5]),
    loseRequest: upTo(loss),
    loseAnswer: upTo(loss),
    late: upTo(loss),
    lateMs: leaseMs * random.between(0.2, 2),
    double: upTo(loss),
  }
}

function drawHandler(
  random: Random,
  upTo: (p: number) => number,
  always: (p: number) => number,
  leaseMs: number,
  guarantee: Guarantee,
): HandlerWeather {
  return {
    workMs: leaseMs * random.pick([0.01, 0.1, 0.3]),
    synchronous: random.chance(0.2) ? 1 : 0,
    // A claim is renewed however long its handler takes. A transaction is given up, which is not calm.
    slow: guarantee === 'transactional' ? upTo(0.3) : always(0.3),
    throwBefore: always(0.2),
    throwAfter: upTo(0.3),
    notApplied: always(0.2),
    refuse: always(0.3),
    refuseForNow: always(0.2),
    fail: always(0.2),
    doNotStore: always(0.2),
  }
}
