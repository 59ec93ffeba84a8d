/**
 * The store port: whole atomic steps, never `get` and then `set`.
 *
 * The contract, which `storeConformance` of `@reprise/testkit` holds every implementation to:
 * - Each step behaves as the function of `transitions.ts` with the same name, applied to one record at one instant.
 *   Of any number of simultaneous claims of an id, one is granted.
 * - Deadlines are judged by the store's own time, which is also the time in the records that it returns.
 * - What a step has acknowledged survives what `capabilities.durable` says it survives. A step that throws may have
 *   been applied or not; the same step by the same attempt, sent again, recognises its own success.
 * - A record that can't be read (damaged, or of a newer format) is an error `record-unreadable`, never an absence.
 */

import type { OperationRecord, Outcome, RecordState } from './record.ts'
import type { Claim, ClaimResult, Ending, Horizons, Operation, Terms, WriteResult } from './transitions.ts'

/** What a store can promise; a route that asks for more is refused when it is set up. */
export interface Capabilities {
  /** Offers `begin`: the effect and the record commit together. */
  readonly transactional: boolean
  /** Acknowledged writes survive a crash of process and machine. */
  readonly durable: boolean
  /** Acknowledged writes survive the loss of the machine that acknowledged them. */
  readonly survivesFailover: boolean
  /** `watch` is told of changes made by other processes, without polling. */
  readonly wakesWaiters: boolean
}

/** How an attempt inside a transaction ends. `effect` says whether its writes stand or are rolled back. */
export type TransactionEnding =
  | ({ readonly kind: 'completed'; readonly effect: 'kept' | 'undone'; readonly outcome: Outcome } & Horizons)
  | ({ readonly kind: 'released' } & Horizons)

export type CommitResult =
  | { readonly kind: 'committed'; readonly record: OperationRecord }
  /** Nothing of this attempt stands: the record was already settled by another. */
  | { readonly kind: 'superseded'; readonly record: OperationRecord | undefined }
  /** Nothing of this attempt stands, and the operation is free. `error` is what the store said, where it said something. */
  | { readonly kind: 'rolled-back'; readonly why: 'conflict' | 'overdue' | 'failed'; readonly error?: unknown }

/** A transaction in which the effect runs and its outcome is recorded. */
export interface Transaction<Tx> {
  readonly tx: Tx
  readonly fence: number
  readonly number: number
  /**
   * Ends the transaction, once. Resolves when the ending is durable; a throw means that the store could not say
   * whether it is.
   */
  end(ending: TransactionEnding): Promise<CommitResult>
}

export type BeginResult<Tx> =
  | { readonly kind: 'granted'; readonly transaction: Transaction<Tx> }
  /** A record, or for a transaction in flight the running record that stands for it. */
  | { readonly kind: 'found'; readonly record: OperationRecord }

export interface ListOptions {
  readonly state?: RecordState
  readonly name?: string
  /** At most this many; 100 unless told, 1,000 at most. */
  readonly limit?: number
  /** `next` of the page before. */
  readonly cursor?: string
}

export interface Page {
  readonly items: readonly OperationRecord[]
  readonly next: string | undefined
}

export interface Swept {
  /** Outcomes retired. */
  readonly expired: number
  /** Tombstones and released records removed. */
  readonly forgotten: number
}

export interface Store<Tx = unknown> {
  readonly name: string
  readonly capabilities: Capabilities

  /** Creates or upgrades what the store needs; safe to call from any number of processes at once, and again. */
  migrate(): Promise<void>

  claim(operation: Operation, terms: Terms): Promise<ClaimResult>
  beginEffect(claim: Claim): Promise<WriteResult>
  recordStep(claim: Claim, name: string, value: string): Promise<WriteResult>
  renew(claim: Claim, leaseMs: number): Promise<WriteResult>
  settle(claim: Claim, ending: Ending): Promise<WriteResult>

  /**
   * Opens a transaction for one attempt. `lost` is called at most once, when the transaction is given up under the
   * running handler (overdue, connection lost): its `tx` refuses from then on, and `end` says `rolled-back`.
   */
  begin?(operation: Operation, terms: Terms, lost: () => void): Promise<BeginResult<Tx>>

  /** The record as of now; reads nothing else and changes nothing. */
  find(id: string): Promise<OperationRecord | undefined>
  /** Resolves when the record may have changed, or when `signal` aborts. */
  watch?(id: string, signal: AbortSignal): Promise<void>

  /** Retires outcomes past retention, then removes tombstones past their end, at most `limit` records in all. */
  sweep(limit: number): Promise<Swept>
  list(options: ListOptions): Promise<Page>
  /** Ends an unknown outcome from outside; `seenFence` is the fence that the decision was based on. */
  resolve(id: string, seenFence: number, ending: Exclude<Ending, { kind: 'unknown' }>): Promise<WriteResult>
  /** Drops a stored outcome at once and leaves its tombstone. False where there was none to drop. */
  erase(id: string): Promise<boolean>

  /** Waits for what is under way and closes what the store opened. */
  close(): Promise<void>
}
