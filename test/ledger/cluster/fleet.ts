/**
 * Some processes of the ledger that share a database, and come back whenever they are killed. A process that ends without
 * having been killed is a failure of the run.
 */
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { type ServingLedger, startCluster, startLedger } from '../../../apps/ledger/testing/process.ts'
import { pick } from '../random.ts'

export interface Fleet {
  /** Where to send requests now: one address per process that is up, or the one address of all. */
  addresses(): readonly string[]
  /** Kills one of them, with SIGKILL. Resolves to its address, where it had one of its own. */
  kill(random: () => number): Promise<string | undefined>
  /** Lets one of them stand still for a while. */
  freeze(ms: number, random: () => number): Promise<void>
  /** Resolves once all are up. */
  whole(): Promise<void>
  /** Asks all to end. Throws unless they do, in good order. */
  stop(): Promise<void>
  /** Ends all at once, whatever state they are in. */
  abandon(): Promise<void>
}

/** How long a process stays away that has been killed. */
const DOWN_MS_MAX = 600

type Environment = Readonly<Record<string, string>>

/** Processes with an address each. */
export async function separateProcesses(count: number, environment: Environment): Promise<Fleet> {
  const places = Array.from({ length: count }, () => new Place(environment))
  const abandon = async (): Promise<void> => {
    await Promise.all(places.map((place) => place.abandon()))
  }
  try {
    await Promise.all(places.map((place) => place.whole()))
  } catch (error) {
    await abandon()
    throw error
  }
  const up = (): ServingLedger[] => places.flatMap(({ ledger }) => ledger ?? [])
  return {
    addresses: () => up().map(({ url }) => url),
    kill: async (random) => {
      const candidates = places.filter(({ ledger }) => ledger !== undefined)
      return candidates.length === 0 ? undefined : pick(candidates, random).kill(random() * DOWN_MS_MAX)
    },
    freeze: async (ms, random) => {
      const ledger = up().length === 0 ? undefined : pick(up(), random)
      ledger?.child.kill('SIGSTOP')
      await pause(ms)
      ledger?.child.kill('SIGCONT')
    },
    whole: async () => {
      await Promise.all(places.map((place) => place.whole()))
    },
    stop: async () => {
      const exits = await Promise.all(places.map((place) => place.stop()))
      assert.deepEqual(
        exits,
        exits.map(() => ({ code: 0, signal: null })),
        'how the processes ended',
      )
    },
    abandon,
  }
}

/** One place in the fleet, and the process that holds it. */
class Place {
  readonly #environment: Environment
  ledger: ServingLedger | undefined
  #starting: Promise<void>
  #abandoned = false
  #failure: unknown

  constructor(environment: Environment) {
    this.#environment = environment
    this.#starting = this.#start()
  }

  /** Again and again: it can't start while the database is away, as whoever supervises services knows. */
  async #start(): Promise<void> {
    while (!this.#abandoned && this.#failure === undefined) {
      try {
        const ledger = await startLedger(this.#environment)
        this.ledger = ledger
        void ledger.exited.then((exit) => {
          if (this.ledger !== ledger || this.#abandoned) return
          this.ledger = undefined
          this.#failure ??= new Error(`A process ended by itself: ${JSON.stringify(exit)} ${ledger.stderr()}`)
        })
        return
      } catch (error) {
        if (!/can't start/.test((error as Error).message)) this.#failure ??= error
        await pause(100)
      }
    }
  }

  async kill(downMs: number): Promise<string | undefined> {
    const { ledger } = this
    if (ledger === undefined) return undefined
    this.ledger = undefined
    await ledger.kill('SIGKILL')
    this.#starting = pause(downMs).then(() => this.#start())
    return ledger.url
  }

  async whole(): Promise<ServingLedger> {
    await this.#starting
    assert.ifError(this.#failure)
    assert.ok(this.ledger)
    return this.ledger
  }

  async stop(): Promise<unknown> {
    const ledger = await this.whole()
    this.ledger = undefined
    return ledger.kill('SIGTERM')
  }

  async abandon(): Promise<void> {
    this.#abandoned = true
    await this.#end()
    await this.#starting
    await this.#end()
  }

  async #end(): Promise<void> {
    const { ledger } = this
    this.ledger = undefined
    await ledger?.kill('SIGKILL')
  }
}

/** What `npm run start:cluster` starts: one address, and a primary process that brings back whom it loses. */
export async function oneAddress(count: number, environment: Environment): Promise<Fleet> {
  const cluster = await startCluster({ ...environment, LOG_LEVEL: 'warn' }, count)
  const address = [cluster.url]
  async function someMember(): Promise<number> {
    for (;;) {
      try {
        const signal = AbortSignal.timeout(1000)
        const answer = await fetch(`${cluster.url}/health`, { headers: { connection: 'close' }, signal })
        return ((await answer.json()) as { process: { pid: number } }).process.pid
      } catch {
        // All are down at this moment, or the one that would have answered has just been killed.
        await pause(20)
      }
    }
  }
  return {
    addresses: () => address,
    kill: async () => {
      signal(await someMember(), 'SIGKILL')
      return undefined
    },
    freeze: async (ms) => {
      const pid = await someMember()
      signal(pid, 'SIGSTOP')
      await pause(ms)
      signal(pid, 'SIGCONT')
    },
    whole: async () => {
      const seen = new Set<number>()
      while (seen.size < count) {
        seen.add(await someMember())
        if (cluster.child.exitCode !== null) throw new Error(`The primary has ended: ${cluster.stderr()}`)
      }
      const unasked = cluster.stdout().match(/"code":(?!null)[^}]*"a process has ended/g) ?? []
      assert.deepEqual(unasked, [], 'processes that ended by themselves')
    },
    stop: async () => {
      assert.deepEqual(await cluster.kill('SIGTERM'), { code: 0, signal: null }, 'how the cluster ended')
    },
    abandon: async () => {
      await cluster.kill('SIGKILL')
    },
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended in the meantime.
  }
}
