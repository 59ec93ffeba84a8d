/**
 * One state of the model: a record in its store, attempts at the server, writes on their way, and what a witness saw.
 *
 * Time is not a number here. A claim may be delivered while the lease holds or after it has lapsed, at any moment, so
 * nothing that holds in every state can rest on a clock. Records are therefore normalised: all their times are constants.
 */

import type { Guarantee, OperationRecord, Outcome } from 'reprise/engine'

/** What is explored. */
export interface Setting {
  readonly guarantee: Guarantee
  readonly attempts: number
  /** The handler names its commit point (`guarded`). */
  readonly named: boolean
  /** How many times each attempt sends a write again whose acknowledgement it misses. */
  readonly resends: number
  /** How many times the store may be handed one write. */
  readonly deliveries: number
  /** Outcomes expire, and tombstones end and are swept. */
  readonly expiry: boolean
}

export type Write = 'claim' | 'begin' | 'complete' | 'release' | 'give-up'

/** A write on its way to the store. `deliveries` is how many times it may still arrive. */
export interface Message {
  readonly attempt: number
  readonly write: Write
  readonly fence: number
  readonly deliveries: number
}

/**
 * Where an attempt is, in the order of the engine's `claimed.ts`: claiming, running (before its commit point), beginning
 * (the commit point is on its way), begun, effected, settling; for `transactional`: claiming, running, committing.
 */
export type Stage =
  | 'new'
  | 'claiming'
  | 'running'
  | 'beginning'
  | 'begun'
  | 'effected'
  | 'settling'
  | 'committing'
  | 'answered'
  | 'refused'
  | 'dead'

export interface AttemptState {
  readonly stage: Stage
  readonly fence: number
  readonly resends: number
  /** What is being settled. */
  readonly ending: 'complete' | 'release' | 'give-up' | undefined
  /** Which attempt's outcome this one answered with. */
  readonly answer: number | undefined
  /** In which life of the key it was granted. */
  readonly life: number
}

export interface World {
  readonly record: OperationRecord | undefined
  readonly fenceFloor: number
  /** How many times the key has been forgotten. */
  readonly life: number
  readonly attempts: readonly AttemptState[]
  readonly messages: readonly Message[]
  /** The independent witness: which attempts' effects happened, in this life of the key. */
  readonly effects: readonly number[]
  /** The highest fence ever granted. */
  readonly granted: number
  /** Set by a move that broke a law in passing. */
  readonly broken: string | undefined
}

export const leaseMs = 1
export const horizons = { retentionMs: 10, tombstoneMs: 10 } as const
/** Instants at which a record is looked at: while its lease holds, after it lapsed, after retention, after the tombstone. */
export const instants = { held: 0, lapsed: 5, expired: 15, forgotten: 25 } as const

export const attemptId = (attempt: number): string => `a${attempt}`

/** Attempt n's own outcome; the status tells them apart. */
export const outcomeOf = (attempt: number): Outcome => ({ status: 200 + attempt, headers: [], body: null })

export function initial(setting: Setting): World {
  const attempt: AttemptState = {
    stage: 'new',
    fence: 0,
    resends: setting.resends,
    ending: undefined,
    answer: undefined,
    life: 0,
  }
  return {
    record: undefined,
    fenceFloor: 0,
    life: 0,
    attempts: Array.from({ length: setting.attempts }, () => attempt),
    messages: [],
    effects: [],
    granted: 0,
    broken: undefined,
  }
}

/** The record with all times put back to where they start. */
export function timeless(record: OperationRecord): OperationRecord {
  const common = { ...record, createdAtMs: 0, attempts: 1 }
  switch (common.state) {
    case 'running':
      return { ...common, claimedAtMs: 0, leaseUntilMs: leaseMs, steps: [] }
    case 'completed':
      return { ...common, completedAtMs: 0, retainUntilMs: 10, forgetAtMs: 20 }
    case 'released':
      return { ...common, releasedAtMs: 0, forgetAtMs: 20, steps: [] }
    case 'unknown':
      return { ...common, sinceMs: 0 }
    case 'expired':
      return { ...common, expiredAtMs: 0, forgetAtMs: 20 }
  }
}

/** Equal for equal worlds, whatever the order of their messages. */
export function keyOf(world: World): string {
  let key = recordKey(world.record)
  key += `|${world.fenceFloor}.${world.life}.${world.granted}|`
  for (const a of world.attempts) {
    key += `${a.stage}.${a.fence}.${a.resends}.${a.ending ?? ''}.${a.answer ?? ''}.${a.life};`
  }
  key += `|${world.effects.join()}|`
  return (
    key +
    world.messages
      .map((m) => `${m.attempt}${m.write}${m.fence}x${m.deliveries}`)
      .sort()
      .join()
  )
}

function recordKey(record: OperationRecord | undefined): string {
  if (record === undefined) return '-'
  const common = `${record.state}.${record.fence}.${record.attemptId}`
  switch (record.state) {
    case 'running':
      return `${common}.${record.effect}`
    case 'completed':
      return `${common}.${record.outcome.status}`
    case 'unknown':
      return `${common}.${record.reason}`
    case 'expired':
      return `${common}.${record.status}`
    case 'released':
      return common
  }
}
