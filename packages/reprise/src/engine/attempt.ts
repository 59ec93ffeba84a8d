/** What a handler knows of the attempt that it runs in. */

import { type Duration, parseDuration } from './duration.ts'
import { RepriseError } from './errors.ts'
import { downstreamKey } from './operation-id.ts'
import { invalid } from './options.ts'

export interface Attempt<Tx = unknown> {
  /**
   * The transaction that the outcome commits with. Only under `transactional`; elsewhere reading it throws
   * `transaction-missing`.
   */
  readonly tx: Tx
  /** Grows with every claim of the operation: pass it to systems that can refuse a stale one. */
  readonly fence: number
  /** 1 for the first claim of the operation. */
  readonly number: number
  /** Aborted when another attempt has superseded this one, or its transaction was given up. */
  readonly signal: AbortSignal
  readonly key: string
  readonly principal: string
  /** A key for a system downstream: the same in every attempt, different for every name, never the client's own. */
  keyFor(name: string): string
  /**
   * Declares that an effect may exist from here on. Awaited just before the first foreign call of a `guarded` handler
   * with `commitPoint: 'named'`; elsewhere it returns at once. Throws `attempt-superseded` when another attempt has
   * taken over: then nothing may be called.
   */
  commitPoint(): Promise<void>
  /** Replays this outcome for another time than the policy says. */
  retainFor(retention: Duration): void
  /**
   * Sends this answer without recording it: the operation is released, its transaction is rolled back, and the same
   * key runs the handler again.
   */
  doNotStore(): void
}

/** One attempt as the engine sees it: what the handler may read, and what it has asked for. */
export class RunningAttempt<Tx> implements Attempt<Tx> {
  readonly fence: number
  readonly number: number
  readonly key: string
  readonly principal: string
  /** True once an effect may exist. */
  begun: boolean
  stored = true
  /** What the handler was told when its commit point could not be written. */
  beginFailure: unknown
  retentionMs: number
  readonly #id: string
  readonly #tx: { readonly value: Tx } | undefined
  readonly #begin: (() => Promise<void>) | undefined
  #committing: Promise<void> | undefined
  #controller: AbortController | undefined
  #aborted: RepriseError | undefined

  constructor(facts: {
    id: string
    key: string
    principal: string
    fence: number
    number: number
    begun: boolean
    retentionMs: number
    tx?: { readonly value: Tx }
    begin?: () => Promise<void>
  }) {
    this.#id = facts.id
    this.key = facts.key
    this.principal = facts.principal
    this.fence = facts.fence
    this.number = facts.number
    this.begun = facts.begun
    this.retentionMs = facts.retentionMs
    this.#tx = facts.tx
    this.#begin = facts.begin
  }

  get tx(): Tx {
    if (this.#tx === undefined) {
      throw new RepriseError('transaction-missing', 'This attempt runs outside a transaction of the store.')
    }
    return this.#tx.value
  }

  // Made when first asked for: most handlers never look, and a controller costs more than the rest of an attempt.
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted)
    }
    return this.#controller.signal
  }

  keyFor(name: string): string {
    return downstreamKey(this.#id, name)
  }

  async commitPoint(): Promise<void> {
    if (this.#aborted !== undefined) throw this.#aborted
    if (this.#begin === undefined) return
    // Written once. No later call may pass where the first has failed, or has not been acknowledged yet.
    this.#committing ??= this.begun ? Promise.resolve() : this.#commit(this.#begin)
    await this.#committing
  }

  async #commit(begin: () => Promise<void>): Promise<void> {
    // A failed write may have been applied: unless the handler ends with this error, an effect may exist.
    this.begun = true
    try {
      await begin()
    } catch (error) {
      this.beginFailure = error
      throw error
    }
  }

  retainFor(retention: Duration): void {
    const ms = parseDuration(retention)
    if (ms === undefined) throw invalid('attempt', 'retainFor', retention, "a duration such as '1h'")
    this.retentionMs = ms
  }

  doNotStore(): void {
    this.stored = false
  }

  abort(reason: RepriseError): void {
    this.#aborted ??= reason
    this.#controller?.abort(this.#aborted)
  }
}
