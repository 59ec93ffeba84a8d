/**
 * One run from one seed: the real library in simulated processes, over a simulated store and a simulated network, with
 * callers who retry. First chaos; then every fault is over, and everything has to come right; then a long time passes.
 */

import { check } from '../history/check.ts'
import type { History, HistoryTerms, Violation } from '../history/history.ts'
import { Client, type Intent, type Numbers } from './client.ts'
import { canDrain } from './drain.ts'
import { engineService } from './engine-service.ts'
import { Faults } from './faults.ts'
import { httpService } from './http-service.ts'
import type { Library } from './library.ts'
import { Network, type Node } from './network.ts'
import { Operator } from './operator.ts'
import { Process } from './process.ts'
import { Scene } from './scene.ts'
import type { Counts } from './sometimes.ts'
import { StoreClient } from './store-client.ts'
import type { Weather, WeatherOptions } from './weather.ts'
import { World } from './world.ts'

export interface SimulationOptions extends WeatherOptions {
  /** Where the requests enter: at the engine, or at the HTTP layer above it. */
  readonly mode?: 'engine' | 'http' | undefined
  /** Another build of the library for every other process, over the same store. */
  readonly beside?: Library | undefined
  /** Where to add up what was met, in place of counts for this run alone. */
  readonly counts?: Counts | undefined
  /** Write down more than the laws need, for somebody who reads the timeline. */
  readonly notes?: boolean | undefined
}

export interface SimulationResult {
  readonly seed: number
  readonly weather: Weather
  readonly history: History
  readonly violations: readonly Violation[]
  readonly counts: Counts
  /** Events of the agenda. */
  readonly steps: number
}

/** More than any run needs: one that gets here goes round in circles. */
const stepsMax = 200_000
/** Longer than every wait of every run. */
const patienceMs = 3_600_000
/** How long an outcome may be replayed from a cache that can't know better. */
const cacheMs = 60_000

/**
 * Runs one seed. The same library, seed and options give the same history, event by event.
 *
 * Has to be called at the top of a turn of the event loop (`atTopOfTurn`), not from the continuation of a promise.
 *
 * @example
 * const { violations } = await atTopOfTurn(() => simulate(installed, 4711, { mode: 'http' }))
 */
export function simulate(library: Library, seed: number, options: SimulationOptions = {}): SimulationResult {
  if (!canDrain()) throw new Error('simulate() was called from the continuation of a promise: use atTopOfTurn().')
  const traceLimit = Error.stackTraceLimit
  // Most errors of a run are faults that it has drawn itself; where they were made is the most costly part of them.
  Error.stackTraceLimit = 0
  try {
    return new Simulation(library, seed, options).run()
  } finally {
    Error.stackTraceLimit = traceLimit
  }
}

class Simulation {
  readonly #seed: number
  readonly #world: World
  readonly #scene: Scene
  readonly #nodes: Node[] = []
  readonly #faults: Faults
  readonly #operator: Operator
  readonly #network: Network
  readonly #mode: 'engine' | 'http'
  readonly #numbers: Numbers = { requests: 0, clients: 0 }
  #steps = 0

  constructor(library: Library, seed: number, options: SimulationOptions) {
    this.#seed = seed
    this.#mode = options.mode ?? 'engine'
    this.#world = new World(library, seed, options)
    this.#scene = new Scene(this.#world)
    this.#faults = new Faults(this.#scene, this.#nodes, (node) => {
      node.service = this.#serviceOf(node.process)
    })
    const { weather, random, agenda } = this.#world
    for (let i = 0; i < weather.nodes; i++) {
      const build = i % 2 === 1 ? (options.beside ?? library) : library
      const process = new Process(`node-${i}`, build, agenda)
      if (weather.nodeClocks > 0) process.wallErrorMs = random.between(-1, 1) * 3_600_000
      this.#nodes.push({ process, service: this.#serviceOf(process) })
    }
    const processes = this.#nodes.map((node) => node.process)
    this.#operator = new Operator(this.#scene, processes)
    this.#network = new Network(this.#world, this.#nodes)
  }

  run(): SimulationResult {
    this.#world.note(() => `the weather: ${JSON.stringify(this.#world.weather)}`)
    const intents = this.#intents()
    this.#chaos(intents)
    this.#settle(intents)
    if (this.#world.weather.operators) this.#askOperators(intents)
    if (this.#world.weather.erasures > 0) this.#erased(intents)
    if (this.#world.weather.afterlife) this.#afterlife(intents)
    const history: History = { terms: this.#terms(), events: this.#world.events }
    const violations = [...check(history), ...this.#breakages()]
    const { weather, counts } = this.#world
    return { seed: this.#seed, weather, history, violations, counts, steps: this.#steps }
  }

  /** What callers want: several of them the same, some of them something else under the same key. */
  #intents(): Intent[] {
    const { weather, random } = this.#world
    const intents: Intent[] = []
    for (let i = 0; i < weather.operations; i++) {
      // ("a", "b0") and ("ab", "0") run together to the same text.
      const pairs = weather.twoPrincipals
        ? ([
            ['a', `b${i}`],
            ['ab', `${i}`],
            ['ab', `b${i}`],
          ] as const)
        : ([['a', `b${i}`]] as const)
      if (weather.twoPrincipals) this.#world.count('another principal used the same key')
      for (const [principal, key] of pairs) {
        const callers = 1 + random.below(weather.clientsPerOperation)
        for (let c = 0; c < callers; c++) {
          intents.push({
            principal,
            key,
            operation: `${principal}/${key}`,
            payload: random.chance(weather.mismatches) ? 1 : 0,
            tries: weather.tries,
            timeoutMs: weather.callerTimeoutMs,
            pauseMs: random.pick([1, weather.leaseMs * 0.3, weather.leaseMs]),
            doubt: 0.4,
          })
        }
      }
    }
    return intents
  }

  #chaos(intents: readonly Intent[]): void {
    const { weather, random, agenda } = this.#world
    if (!weather.calm) this.#faults.schedule()
    this.#operator.schedule()
    for (const intent of intents) {
      const atMs = random.chance(0.5) ? 0 : random.fraction() * weather.chaosMs
      new Client(this.#world, this.#network, this.#numbers, intent).begin(atMs)
    }
    if (!weather.calm) agenda.at(weather.chaosMs, () => this.#faults.heal())
    this.#rest()
  }

  /** Every fault is over; once the leases have lapsed, everybody asks how it ended. */
  #settle(intents: readonly Intent[]): void {
    const { weather, agenda } = this.#world
    this.#scene.settling = true
    // The store's clock may have been set back, and then a lease lasts that much longer.
    agenda.after(weather.leaseMs + Math.max(0, -2 * this.#scene.store.clockErrorMs) + 4 * weather.leaseMs, () => {
      this.#world.record({ kind: 'heal', t: agenda.nowMs })
    })
    this.#rest()
    this.#everybodyAsks(intents, 2)
  }

  #askOperators(intents: readonly Intent[]): void {
    this.#operator.resolveAll()
    this.#everybodyAsks(intents, 2)
  }

  /** An outcome that was erased is asked for again and again: no process may remember it for ever. */
  #erased(intents: readonly Intent[]): void {
    this.#operator.erase()
    for (let i = 0; i < 4; i++) {
      this.#world.agenda.after(cacheMs * 0.4, () => undefined)
      this.#rest()
      this.#everybodyAsks(intents, 2)
    }
  }

  /** Around the end of retention, and around the end of the tombstone. */
  #afterlife(intents: readonly Intent[]): void {
    const { weather, agenda } = this.#world
    for (const ms of [weather.retentionMs * 0.5, weather.retentionMs * 0.6, weather.tombstoneMs, weather.retentionMs]) {
      agenda.after(ms, () => this.#operator.sweep())
      this.#rest()
      this.#everybodyAsks(intents, 2)
    }
    if (!weather.revoke || this.#mode !== 'http') return
    this.#scene.revoked.add('a')
    this.#world.record({ kind: 'revoke', t: agenda.nowMs, principal: 'a' })
    agenda.after(1, () => undefined)
    this.#rest()
    this.#everybodyAsks(intents, 1)
  }

  #everybodyAsks(intents: readonly Intent[], tries: number): void {
    const { weather, agenda } = this.#world
    const asked = new Set<string>()
    for (const intent of intents) {
      const question = `${intent.operation} ${intent.payload}`
      if (asked.has(question)) continue
      asked.add(question)
      const patient = { ...intent, tries, timeoutMs: patienceMs, pauseMs: weather.leaseMs * 4, doubt: 0 }
      new Client(this.#world, this.#network, this.#numbers, patient).begin(agenda.nowMs)
    }
    this.#rest()
  }

  /** Until nothing is left to happen. */
  #rest(): void {
    while (this.#world.agenda.step()) {
      this.#steps++
      if (this.#steps > stepsMax) {
        this.#world.broke(new Error('The run does not come to rest.'))
        return
      }
    }
  }

  #serviceOf(process: Process): Node['service'] {
    const moment = (which: Process): void => this.#faults.atStep(which)
    const store = new StoreClient(this.#scene.store, process, { sending: moment, applied: moment })
    return this.#mode === 'http' ? httpService(this.#scene, process, store) : engineService(this.#scene, process, store)
  }

  #terms(): HistoryTerms {
    const { guarantee, retentionMs, tombstoneMs, calm, waitMs, nodeClocks, storeClocks, erasures } = this.#world.weather
    const staleMs = nodeClocks > 0 || storeClocks > 0 || erasures > 0 ? cacheMs : 0
    // Several round trips, and one last look after the wait.
    const duplicateMs = waitMs + 150
    return { guarantee, retentionMs, tombstoneMs, staleMs, calm, duplicateMs }
  }

  /** The engine promises never to throw for what a store or a handler did. */
  #breakages(): Violation[] {
    return this.#world.breakages.map((story) => ({ law: 'P1', operation: '', story, events: [] }))
  }
}
