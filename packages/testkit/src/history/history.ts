/**
 * What happened, as an outsider saw it: callers, the effects' own witness, and the log of the store. Nothing in a history
 * is what Reprise says of itself, so that a history can convict it.
 *
 * A history is one list in the order in which things happened. Simulated runs and runs of real processes write the same
 * events; the laws in this folder need nothing else.
 */

import type { Guarantee, OperationRecord } from 'reprise'

/** The terms that a run was promised; the laws are relative to them. */
export interface HistoryTerms {
  readonly guarantee: Guarantee
  readonly retentionMs: number
  readonly tombstoneMs: number
  /**
   * For how long after its end an outcome may still be replayed from a process that could not know: the age limit of
   * its cache where clocks disagree or outcomes are erased elsewhere, otherwise 0.
   */
  readonly staleMs: number
  /** No fault was injected, whatever the clocks of the nodes said. */
  readonly calm: boolean
  /** In calm weather a duplicate is answered within this time, however long the first attempt takes. */
  readonly duplicateMs: number
}

export interface History {
  readonly terms: HistoryTerms
  readonly events: readonly Event[]
}

/** Milliseconds of the run's own time, which no process can see. */
interface At {
  readonly t: number
}

/** A caller sends a request. `client` groups the tries of one caller. */
export interface Invoke extends At {
  readonly kind: 'invoke'
  readonly request: number
  readonly client: number
  readonly principal: string
  /** Principal and key: what the promises are about. */
  readonly operation: string
  /** What the request means; the same text means the same. */
  readonly fingerprint: string
}

/** The caller has received a whole answer that carries an outcome. */
export interface Ok extends At {
  readonly kind: 'ok'
  readonly request: number
  /** Status, stored headers and body, byte by byte. */
  readonly outcome: string
  readonly success: boolean
  /** The principal that the body says it was made for: every body carries one, as a canary. */
  readonly madeFor: string
}

/** Why a whole answer carries no outcome. */
export type Refusal =
  | 'in-progress'
  | 'mismatch'
  | 'unknown'
  | 'expired'
  | 'unavailable'
  /** The handler ran and nothing is remembered of it: it failed, refused for now, or said that nothing happened. */
  | 'released'
  | 'forbidden'

/** The caller has received a whole answer that carries no outcome. */
export interface Fail extends At {
  readonly kind: 'fail'
  readonly request: number
  /** Which arrival answered: the network may deliver one request several times. */
  readonly arrival: number
  readonly why: Refusal
  /** What the caller was told of this request's own effect. */
  readonly effect: 'none' | 'unknown'
}

/** The caller can't know: it gave up, or the answer was cut. */
export interface Info extends At {
  readonly kind: 'info'
  readonly request: number
}

/** How a handler ended, by its own word. */
export interface HandlerEnded extends At {
  readonly kind: 'end'
  readonly arrival: number
  readonly operation: string
  /** `keep` and `refuse` make the outcome; the rest must never be one. */
  readonly said: 'keep' | 'refuse' | 'release' | 'fail'
  readonly outcome: string
}

/** The witness has seen an effect: once for each time that it really happened. */
export interface Effect extends At {
  readonly kind: 'effect'
  readonly operation: string
  /** The arrival whose handler made it. */
  readonly arrival: number
  readonly attempt: string
  readonly fence: number
  readonly fingerprint: string
}

/** The steps of the store port that may change a record. */
export type Step =
  | 'claim'
  | 'begin'
  | 'begin-effect'
  | 'record-step'
  | 'renew'
  | 'settle'
  | 'commit'
  | 'resolve'
  | 'erase'
  | 'sweep'

/** What a record says, as far as the laws look. */
export type RecordFacts = Pick<OperationRecord, 'state' | 'fence' | 'attemptId' | 'fingerprint'> & {
  readonly effect?: 'not-begun' | 'begun' | undefined
  readonly leaseUntilMs?: number | undefined
}

/** A line of the store's log: one step, as it was applied. */
export interface Write extends At {
  readonly kind: 'write'
  readonly storeMs: number
  readonly operation: string
  readonly step: Step
  /** Who asked for the step, as far as the step names one. */
  readonly attempt: string
  readonly fence: number
  readonly ending: 'completed' | 'released' | 'unknown' | undefined
  readonly result: 'granted' | 'found' | 'written' | 'already-written' | 'superseded'
  /** The record after the step; none where there is none. */
  readonly record: RecordFacts | undefined
  /** Of a completed record. */
  readonly outcome: string | undefined
  readonly success: boolean
}

/** A process died, with everything it remembered. */
export interface Crash extends At {
  readonly kind: 'crash'
  readonly process: string
}

/** The store has lost what it acknowledged after `since`: it failed over to a copy that lagged behind. */
export interface Loss extends At {
  readonly kind: 'loss'
  readonly since: number
}

/** A record can't be read from now on: it is damaged, or newer than its readers. */
export interface Unreadable extends At {
  readonly kind: 'unreadable'
  readonly operation: string
}

/** Nobody is to be answered in the name of this principal any more. */
export interface Revoke extends At {
  readonly kind: 'revoke'
  readonly principal: string
}

/** The store's clock was set. */
export interface StoreClock extends At {
  readonly kind: 'store-clock'
  readonly storeMs: number
}

/** Every fault is over and every lease has lapsed: from here on everything has to come right. */
export interface Heal extends At {
  readonly kind: 'heal'
}

/** Anything else that somebody who reads the timeline wants to know. No law looks at it. */
export interface Note extends At {
  readonly kind: 'note'
  readonly text: string
}

export type Event =
  | Invoke
  | Ok
  | Fail
  | Info
  | HandlerEnded
  | Effect
  | Write
  | Crash
  | Loss
  | Unreadable
  | Revoke
  | StoreClock
  | Heal
  | Note

/** Safety laws S, liveness laws L, laws of quality Q, and what the engine promises its callers, P; simulation/fault-model.md says each in one sentence. */
export type Law =
  | 'S1'
  | 'S2'
  | 'S3'
  | 'S4'
  | 'S5'
  | 'S6'
  | 'S7'
  | 'S8'
  | 'S9'
  | 'S10'
  | 'S11'
  | 'S12'
  | 'S13'
  | 'S14'
  | 'S16'
  | 'L1'
  | 'L2'
  | 'L3'
  | 'L4'
  | 'L5'
  | 'L7'
  | 'Q1'
  | 'P1'

/** A law that was broken. */
export interface Violation {
  readonly law: Law
  readonly operation: string
  /** What is wrong, in one sentence. */
  readonly story: string
  /** Indexes of the events that show it. */
  readonly events: readonly number[]
}
