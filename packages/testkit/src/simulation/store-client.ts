/** The store port as one life of one process sees it: every step is a question over the link to the store. */

import type {
  BeginResult,
  Capabilities,
  Claim,
  ClaimResult,
  CommitResult,
  Ending,
  Operation,
  OperationRecord,
  Page,
  Store,
  Swept,
  Terms,
  Transaction,
  TransactionEnding,
  WriteResult,
} from 'reprise'
import { ask } from './link.ts'
import type { Process } from './process.ts'
import type { Sometimes } from './sometimes.ts'
import type { StoreServer } from './store-server.ts'
import type { OpenTransaction, SimulatedTx } from './transactions.ts'

/** Called before a step leaves and after it was applied: moments at which a process may die. */
export type Moment = (process: Process) => void

export class StoreClient implements Store<SimulatedTx> {
  readonly name = 'simulated'
  readonly capabilities: Capabilities
  readonly watch?: (id: string, signal: AbortSignal) => Promise<void>
  readonly #server: StoreServer
  readonly #process: Process
  readonly #sending: Moment
  readonly #applied: () => void

  constructor(server: StoreServer, process: Process, moments: { sending: Moment; applied: Moment }) {
    this.#server = server
    this.#process = process
    this.#sending = moments.sending
    this.#applied = () => moments.applied(process)
    const { wakesWaiters, failovers } = server.world.weather
    this.capabilities = { transactional: true, durable: true, survivesFailover: failovers === 0, wakesWaiters }
    if (wakesWaiters) this.watch = (id, signal) => this.#watch(id, signal)
  }

  async migrate(): Promise<void> {}

  claim(operation: Operation, terms: Terms): Promise<ClaimResult> {
    this.#learn(operation)
    return this.#step(() => this.#server.claim(this.#process.library, operation, terms))
  }

  beginEffect(claim: Claim): Promise<WriteResult> {
    return this.#step(() => this.#server.beginEffect(this.#process.library, claim))
  }

  recordStep(claim: Claim, name: string, value: string): Promise<WriteResult> {
    return this.#step(() => this.#server.recordStep(this.#process.library, claim, name, value))
  }

  renew(claim: Claim, leaseMs: number): Promise<WriteResult> {
    return this.#step(() => this.#server.renew(this.#process.library, claim, leaseMs))
  }

  settle(claim: Claim, ending: Ending): Promise<WriteResult> {
    return this.#step(() => this.#server.settle(this.#process.library, claim, ending))
  }

  async begin(operation: Operation, terms: Terms, lost: () => void): Promise<BeginResult<SimulatedTx>> {
    this.#learn(operation)
    const { transactions } = this.#server
    const opened = await this.#ask(
      () => transactions.begin(this.#process.library, this.#process, operation, terms, lost),
      { doubles: false, answerLost: undefined, appliedLate: undefined },
    )
    return opened.kind === 'found' ? opened : { kind: 'granted', transaction: this.#transaction(opened.open) }
  }

  find(id: string): Promise<OperationRecord | undefined> {
    return this.#ask(() => this.#server.find(this.#process.library, id), {
      doubles: false,
      answerLost: undefined,
      appliedLate: undefined,
    })
  }

  sweep(): Promise<Swept> {
    return this.#step(() => this.#server.sweep(this.#process.library))
  }

  list(): Promise<Page> {
    return Promise.resolve({ items: [], next: undefined })
  }

  resolve(id: string, seenFence: number, ending: Exclude<Ending, { kind: 'unknown' }>): Promise<WriteResult> {
    return this.#step(() => this.#server.resolve(this.#process.library, id, seenFence, ending))
  }

  erase(id: string): Promise<boolean> {
    return this.#step(() => this.#server.erase(this.#process.library, id))
  }

  async close(): Promise<void> {}

  #learn({ fingerprint }: Operation): void {
    const { reading } = this.#process
    if (reading !== undefined) this.#server.learn(fingerprint, reading.request.fingerprint)
  }

  #transaction(open: OpenTransaction): Transaction<SimulatedTx> {
    return {
      tx: open.tx,
      fence: open.running.fence,
      number: open.running.attempts,
      end: (ending: TransactionEnding): Promise<CommitResult> =>
        this.#ask(() => this.#server.transactions.commit(open, ending), {
          doubles: false,
          answerLost: 'the answer to a COMMIT was lost',
          appliedLate: 'a COMMIT arrived after its sender gave up',
        }),
    }
  }

  /** A step outside of any connection's state: the network may deliver it twice. */
  #step<T>(apply: () => T): Promise<T> {
    return this.#ask(apply, {
      doubles: true,
      answerLost: 'a write was applied and its answer lost',
      appliedLate: 'a write was applied after its sender gave up',
    })
  }

  #ask<T>(
    apply: () => T,
    how: { doubles: boolean; answerLost: Sometimes | undefined; appliedLate: Sometimes | undefined },
  ): Promise<T> {
    const { world } = this.#server
    const process = this.#process
    this.#sending(process)
    return ask(world, process, {
      link: world.weather.store,
      timeoutMs: world.weather.storeTimeoutMs,
      far: this.#server,
      doubles: how.doubles,
      apply,
      error: (why) =>
        new process.library.reprise.RepriseError('store-unavailable', `The store did not answer (${why}).`),
      applied: this.#applied,
      answerLost: how.answerLost,
      appliedLate: how.appliedLate,
      doubled: 'a step was applied twice',
    })
  }

  /** Told over the same link, and with the same luck: a watch that broke is only noticed by asking again. */
  #watch(id: string, signal: AbortSignal): Promise<void> {
    const { world } = this.#server
    const { life } = this.#process
    return new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const stop = this.#server.watch(id, () => {
        if (world.fault(world.weather.store.loseAnswer)) return
        world.agenda.after(world.weather.store.latencyMs, () => this.#process.resume(life, resolve))
      })
      signal.addEventListener('abort', () => {
        stop()
        resolve()
      })
    })
  }
}
