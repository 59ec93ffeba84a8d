/**
 * What a store remembers of an operation: a tagged union in which each state carries only what exists in it.
 * `transitions.ts` is the only file that makes one state out of another.
 */

/** What is promised for an operation; see docs/guarantees.md. */
export type Guarantee = 'transactional' | 'resumable' | 'guarded'

/** One header line of an outcome, name and value as they were written. */
export type HeaderLine = readonly [name: string, value: string]

/**
 * The final answer of an operation. `body` is `null` when there was none, which is not the same as zero bytes.
 * `bodyKept: false` says that there was a body and that the record does not hold it (too large, or too secret).
 */
export interface Outcome {
  readonly status: number
  readonly headers: readonly HeaderLine[]
  readonly body: Uint8Array | null
  readonly bodyKept?: false
}

/** Results of named steps, in the order in which they were recorded. */
export type Steps = readonly { readonly name: string; readonly value: string }[]

/** What every record has, whatever its state. Times are milliseconds of the store's clock. */
export interface Recorded {
  /** 43 characters of base64url: the digest of principal and key. */
  readonly id: string
  /** Name of the policy under which the operation first arrived. */
  readonly name: string
  readonly fingerprint: string
  readonly guarantee: Guarantee
  /** Grows with every claim of this id, also over release, expiry and purge. */
  readonly fence: number
  /** The attempt that last held the claim: 22 characters of base64url, 128 random bits. */
  readonly attemptId: string
  /** How many claims there have been. */
  readonly attempts: number
  readonly createdAtMs: number
}

/** An attempt holds the claim. `begun`: an effect may exist from here on. */
export interface Running extends Recorded {
  readonly state: 'running'
  readonly effect: 'not-begun' | 'begun'
  readonly claimedAtMs: number
  readonly leaseUntilMs: number
  readonly steps: Steps
}

/** The outcome is known and is replayed until `retainUntilMs`. */
export interface Completed extends Recorded {
  readonly state: 'completed'
  readonly outcome: Outcome
  readonly completedAtMs: number
  readonly retainUntilMs: number
  readonly forgetAtMs: number
}

/** Provably no effect (or a resumable one, whose steps are kept). The key stays bound to its fingerprint. */
export interface Released extends Recorded {
  readonly state: 'released'
  readonly releasedAtMs: number
  readonly forgetAtMs: number
  readonly steps: Steps
}

/** Why nobody can say whether the effect happened. */
export type UnknownReason = 'lease-lapsed' | 'handler-failed'

/** An effect may exist. Never forgotten and never run over: it is reconciled, or settled late by its own attempt. */
export interface Unknown extends Recorded {
  readonly state: 'unknown'
  readonly reason: UnknownReason
  readonly sinceMs: number
}

/** The outcome is gone; the key is still refused until `forgetAtMs` (the tombstone). */
export interface Expired extends Recorded {
  readonly state: 'expired'
  /** Status of the outcome that was retired. */
  readonly status: number
  readonly expiredAtMs: number
  readonly forgetAtMs: number
}

export type OperationRecord = Running | Completed | Released | Unknown | Expired

export type RecordState = OperationRecord['state']
