/**
 * Four processes on one PostgreSQL, killed, stopped and cut off at random while clients send copies of every request to all
 * of them; so are the database and the connections to it.
 *
 * Fault model: processes die between any two instructions (SIGKILL), or stand still for a while; the database dies and
 * recovers, or stands still; connections between clients, processes and database break at any moment, before and after a
 * COMMIT is done. What the database has acknowledged survives.
 *
 * The laws, for every key ever sent:
 * 1. all its final answers are equal, byte for byte, whichever process gives them; at most one is not a replay;
 * 2. it has exactly one transfer if that answer is 201, and none if it is a refusal;
 * 3. the balances are what the transfers add up to, and add up to 0;
 * 4. when all is calm it gets its answer, and nothing stays open;
 * 5. nobody is told anything but: done, refused, running, away, another request.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { type Server, startPrivatePostgres } from '../../../scripts/services.ts'
import { startProxy, type Wire } from '../../postgres/proxy.ts'
import { pick, randomFrom } from '../random.ts'
import { Clients } from './clients.ts'
import { Events } from './events.ts'
import { type Fleet, oneAddress, separateProcesses } from './fleet.ts'
import { Laws } from './laws.ts'

export interface ChaosOptions {
  readonly rounds: number
  readonly seed: number
  /** How long faults go on in each round. */
  readonly faultsMs: number
  /** Processes with an address each, or behind the one address of `start:cluster`. */
  readonly behind: 'addresses' | 'one address'
}

export interface ChaosReport {
  readonly keys: number
  readonly posted: number
  readonly refused: number
  readonly requests: number
  readonly events: Events
}

const PROCESSES = 4

/** The ledger's lease, and what the database adds to it before it gives a silent transaction up. */
const LONG_FREEZE_MS = 12_000
const LONG_EVERY = 5

export async function clusterChaos(
  { rounds, seed, faultsMs, behind }: ChaosOptions,
  tell: (line: string) => void = () => undefined,
): Promise<ChaosReport> {
  const random = randomFrom(seed)
  const events = new Events()
  const database = await startPrivatePostgres()
  let wire: Wire | undefined
  let fleet: Fleet | undefined
  let clients: Clients | undefined
  let laws: Laws | undefined
  try {
    wire = await startProxy(database.url)
    const start = behind === 'addresses' ? separateProcesses : oneAddress
    fleet = await start(PROCESSES, { DATABASE_URL: wire.url, LOG_LEVEL: 'silent' })
    clients = new Clients(fleet, random, events)
    laws = new Laws(database.url)
    await clients.prepare()
    for (let round = 1; round <= rounds; round++) {
      const before = clients.operations.length
      const faults = new Faults({ database, wire, fleet, clients, random, events })
      const long = round % LONG_EVERY === 0
      const running = faults.run(long ? faultsMs + LONG_FREEZE_MS : faultsMs, round, long)
      await Promise.all([clients.load(round, () => !faults.over), running])
      await fleet.whole()
      const made = clients.operations.slice(before)
      await clients.settle(made)
      await clients.askEverywhere(made)
      await laws.check(clients.operations)
      tell(`round ${round}: ${clients.operations.length} keys, ${clients.requests} requests, every law holds`)
    }
    if (rounds > 1) await clients.askEverywhere(clients.operations)
    await clients.close()
    await fleet.stop()
    await laws.checkNobodyStays()
    const posted = clients.operations.filter(({ answer }) => answer?.status === 201).length
    const keys = clients.operations.length
    return { keys, posted, refused: keys - posted, requests: clients.requests, events }
  } finally {
    await clients?.close()
    await fleet?.abandon()
    await laws?.close()
    await wire?.close()
    await database.stop()
  }
}

interface FaultParts {
  readonly database: Server
  readonly wire: Wire
  readonly fleet: Fleet
  readonly clients: Clients
  readonly random: () => number
  readonly events: Events
}

/** The statement that completes an operation: its record, and COMMIT, in one message. */
const COMMIT = /; commit$/

/** The faults of one round. Each kind has a loop of its own, so that they meet. */
class Faults {
  readonly #parts: FaultParts
  over = false

  constructor(parts: FaultParts) {
    this.#parts = parts
  }

  async run(ms: number, round: number, long: boolean): Promise<void> {
    const freezing = long ? this.#freezeForLong() : this.#freezeProcesses()
    const loops = [this.#killProcesses(), freezing, this.#cutClients(), this.#cutConnections(), this.#cutCommits()]
    // One after the other in the middle of the rest: a database that is down hides all other faults.
    await pause(ms * (0.2 + 0.2 * this.#parts.random()))
    if (round % 2 === 1) await this.#killDatabase()
    else await this.#freezeDatabase()
    await pause(ms * 0.3)
    if (round % 2 === 0) await this.#killDatabase()
    else await this.#freezeDatabase()
    await pause(ms * 0.3)
    this.over = true
    await Promise.all(loops)
    this.#parts.wire.forget()
  }

  async #killProcesses(): Promise<void> {
    const { fleet, clients, random, events } = this.#parts
    while (await this.#waited(200, 1400)) {
      const atWork = clients.underWay > 0
      await fleet.kill(random)
      events.note('process killed')
      if (atWork) events.note('process killed at work')
    }
  }

  async #freezeProcesses(): Promise<void> {
    const { fleet, random, events } = this.#parts
    while (await this.#waited(1000, 3000)) {
      await fleet.freeze(100 + random() * 700, random)
      events.note('process stopped and continued')
    }
  }

  /** What it had begun is given up by the database, and done by others; and then it wakes. */
  async #freezeForLong(): Promise<void> {
    const { fleet, random, events } = this.#parts
    await fleet.freeze(LONG_FREEZE_MS, random)
    events.note('process stopped for longer than its lease')
  }

  /** Processes finish what they have begun, and nobody hears of it. */
  async #cutClients(): Promise<void> {
    const { clients, events } = this.#parts
    while (await this.#waited(200, 1200)) {
      clients.cut()
      events.note('connections of all clients cut')
    }
  }

  async #cutConnections(): Promise<void> {
    const { wire, events } = this.#parts
    while (await this.#waited(500, 3000)) {
      wire.cut()
      events.note('connections to the database cut')
    }
  }

  async #cutCommits(): Promise<void> {
    const { wire, random, events } = this.#parts
    while (await this.#waited(30, 300)) {
      const fate = pick(['cut-before', 'cut-after', 'cut-after'] as const, random)
      void wire
        .trap(COMMIT, fate)
        .sprung.then(() =>
          events.note(fate === 'cut-before' ? 'cut before COMMIT' : 'cut after COMMIT, before its answer'),
        )
    }
  }

  async #killDatabase(): Promise<void> {
    const { database, events } = this.#parts
    await database.kill()
    events.note('database killed')
    await database.restart()
  }

  async #freezeDatabase(): Promise<void> {
    const { database, random, events } = this.#parts
    database.pause()
    events.note('database stopped and continued')
    await pause(200 + random() * 1300)
    database.resume()
  }

  /** Waits for a while between the two; false when the round is over. */
  async #waited(fromMs: number, toMs: number): Promise<boolean> {
    const until = fromMs + this.#parts.random() * (toMs - fromMs)
    for (let waited = 0; waited < until && !this.over; waited += 20) await pause(20)
    return !this.over
  }
}
