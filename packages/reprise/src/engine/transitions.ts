/**
 * The life of a record, as pure functions of (record, command, time). Stores apply them under their own atomicity,
 * the model checker explores them, and nothing else in the project changes a record.
 *
 * Safety never rests on a lease: a lapsed lease permits a takeover before the effect began, or the turn to
 * `unknown`, and nothing more. Every write by an attempt is compared with the attempt id *and* the fence, because a
 * fence alone could come back after a purge and let a late attempt pass.
 */

import type {
  Completed,
  Expired,
  Guarantee,
  OperationRecord,
  Outcome,
  Recorded,
  Released,
  Running,
  Steps,
  Unknown,
  UnknownReason,
} from './record.ts'

/** What arrives: one operation, by id, and what it means. */
export interface Operation {
  readonly id: string
  readonly name: string
  readonly fingerprint: string
}

/** The terms under which an attempt asks for the claim. */
export interface Terms {
  readonly attemptId: string
  readonly guarantee: Guarantee
  readonly leaseMs: number
  /** True when the claim itself is the commit point: the handler names none, so it is past it from its first line. */
  readonly begun: boolean
}

/** Names the attempt that writes; a write by any other attempt changes nothing. */
export interface Claim {
  readonly id: string
  readonly attemptId: string
  readonly fence: number
}

/** How long an outcome is replayed, and then how long its key is still refused. */
export interface Horizons {
  readonly retentionMs: number
  readonly tombstoneMs: number
}

/** How a claim ends. */
export type Ending =
  | ({ readonly kind: 'completed'; readonly outcome: Outcome } & Horizons)
  /** `proof`: who vouches that there is no effect, beyond the record itself saying that it had not begun. */
  | ({ readonly kind: 'released'; readonly proof: 'not-begun' | 'not-applied' } & Horizons)
  | { readonly kind: 'unknown'; readonly reason: UnknownReason }

export type ClaimResult =
  | { readonly kind: 'granted'; readonly record: Running }
  /** `record` is how it stands now; `changed` when time alone moved it, so that the store saves it. */
  | { readonly kind: 'found'; readonly record: OperationRecord; readonly changed: boolean }

export type WriteResult<R extends OperationRecord = OperationRecord> =
  | { readonly kind: 'written'; readonly record: R }
  /** The same write by the same attempt had already succeeded: its acknowledgement was lost. */
  | { readonly kind: 'already-written'; readonly record: OperationRecord }
  | { readonly kind: 'superseded'; readonly record: OperationRecord | undefined }

/**
 * The record as time alone has made it: outcomes past retention are expired, tombstones past their end are gone.
 * Readers apply it so that an unswept row never answers differently from a swept one.
 */
export function asOf(record: OperationRecord | undefined, nowMs: number): OperationRecord | undefined {
  if (record === undefined) return undefined
  switch (record.state) {
    case 'completed':
      if (nowMs < record.retainUntilMs) return record
      return asOf(expire(record), nowMs)
    case 'expired':
    case 'released':
      return nowMs < record.forgetAtMs ? record : undefined
    case 'running':
    case 'unknown':
      return record
  }
}

/** When time alone next changes the record, in store milliseconds; `undefined` for records that never age out. */
export function dueAtMs(record: OperationRecord): number | undefined {
  switch (record.state) {
    case 'completed':
      return record.retainUntilMs
    case 'expired':
    case 'released':
      return record.forgetAtMs
    case 'running':
    case 'unknown':
      return undefined
  }
}

/**
 * Asks for the right to run the effect.
 *
 * `fenceFloor` is the highest fence that the store has ever purged, so that the fence of a forgotten and re-used id
 * still grows.
 */
export function claim(
  stored: OperationRecord | undefined,
  operation: Operation,
  terms: Terms,
  nowMs: number,
  fenceFloor: number,
): ClaimResult {
  const record = asOf(stored, nowMs)
  if (record === undefined) {
    const fence = Math.max(stored?.fence ?? 0, fenceFloor) + 1
    return { kind: 'granted', record: running(operation, terms, nowMs, { fence, attempts: 1, createdAtMs: nowMs }) }
  }
  const changed = record !== stored
  if (record.fingerprint !== operation.fingerprint) return { kind: 'found', record, changed }
  switch (record.state) {
    case 'completed':
    case 'expired':
    case 'unknown':
      return { kind: 'found', record, changed }
    case 'released':
      // A claim that arrives after its own attempt has been released: granted, it would be held by nobody.
      if (record.attemptId === terms.attemptId) return { kind: 'found', record, changed }
      return { kind: 'granted', record: again(record, operation, terms, nowMs) }
    case 'running': {
      // A claim whose acknowledgement was lost recognises itself.
      if (record.attemptId === terms.attemptId) return { kind: 'granted', record }
      if (nowMs < record.leaseUntilMs) return { kind: 'found', record, changed }
      if (record.effect === 'not-begun' || record.guarantee === 'resumable')
        return { kind: 'granted', record: again(record, operation, terms, nowMs) }
      return { kind: 'found', record: unknown(record, 'lease-lapsed', nowMs), changed: true }
    }
  }
}

/** The commit point: after it an effect may exist, and no transition leads back to running the handler by itself. */
export function beginEffect(record: OperationRecord | undefined, by: Claim): WriteResult<Running> {
  if (record?.state !== 'running' || !holds(record, by)) return { kind: 'superseded', record }
  if (record.effect === 'begun') return { kind: 'already-written', record }
  return { kind: 'written', record: { ...record, effect: 'begun' } }
}

/** Extends the lease; never shortens it. */
export function renew(
  record: OperationRecord | undefined,
  by: Claim,
  leaseMs: number,
  nowMs: number,
): WriteResult<Running> {
  if (record?.state !== 'running' || !holds(record, by)) return { kind: 'superseded', record }
  return { kind: 'written', record: { ...record, leaseUntilMs: Math.max(record.leaseUntilMs, nowMs + leaseMs) } }
}

/** Records the result of a named step; the first value written for a name stays. */
export function recordStep(
  record: OperationRecord | undefined,
  by: Claim,
  name: string,
  value: string,
): WriteResult<Running> {
  if (record?.state !== 'running' || !holds(record, by)) return { kind: 'superseded', record }
  if (record.steps.some((step) => step.name === name)) return { kind: 'already-written', record }
  return { kind: 'written', record: { ...record, effect: 'begun', steps: [...record.steps, { name, value }] } }
}

/**
 * Ends a claim. An attempt recognises its own earlier success; `unknown` accepts the late settlement of the very
 * attempt that began the effect, and of nobody else; completed bytes never change.
 */
export function settle(
  stored: OperationRecord | undefined,
  by: Claim,
  ending: Ending,
  nowMs: number,
): WriteResult<Completed | Released | Unknown> {
  const record = asOf(stored, nowMs)
  if (record === undefined || !holds(record, by)) return { kind: 'superseded', record }
  if (record.state !== 'running' && record.state !== 'unknown') {
    return record.state === ending.kind ? { kind: 'already-written', record } : { kind: 'superseded', record }
  }
  switch (ending.kind) {
    case 'completed':
      return { kind: 'written', record: completed(record, ending.outcome, ending, nowMs) }
    case 'released':
      // The record's own word counts only while it says that the effect had not begun. A resumable attempt may always
      // be released: its recorded steps stay, and the next attempt continues after them.
      if (ending.proof === 'not-begun' && mayHaveEffect(record)) return { kind: 'superseded', record }
      return { kind: 'written', record: released(record, ending, nowMs) }
    case 'unknown':
      if (record.state === 'unknown') return { kind: 'already-written', record }
      return { kind: 'written', record: unknown(record, ending.reason, nowMs) }
  }
}

/**
 * Ends an unknown outcome from outside: the reconciliation asked downstream, or an operator knows. `seenFence` is
 * the fence that the decision was based on.
 */
export function resolve(
  record: OperationRecord | undefined,
  seenFence: number,
  ending: Exclude<Ending, { kind: 'unknown' }>,
  nowMs: number,
): WriteResult<Completed | Released> {
  if (record?.state !== 'unknown' || record.fence !== seenFence) return { kind: 'superseded', record }
  const next =
    ending.kind === 'completed' ? completed(record, ending.outcome, ending, nowMs) : released(record, ending, nowMs)
  // The resolved attempt may still be alive somewhere; from here on its fence is stale.
  return { kind: 'written', record: { ...next, fence: record.fence + 1 } }
}

/**
 * The whole life of an attempt whose effect and record commit together: claim and settlement in one write.
 * `stored` must be read inside that same transaction.
 */
export function settleAtOnce(
  stored: OperationRecord | undefined,
  operation: Operation,
  terms: Terms,
  ending: Exclude<Ending, { kind: 'unknown' }>,
  nowMs: number,
  fenceFloor: number,
): WriteResult<Completed | Released> {
  const claimed = claim(stored, operation, terms, nowMs, fenceFloor)
  if (claimed.kind === 'found') return { kind: 'superseded', record: claimed.record }
  const record = claimed.record
  return {
    kind: 'written',
    record:
      ending.kind === 'completed' ? completed(record, ending.outcome, ending, nowMs) : released(record, ending, nowMs),
  }
}

/** Retires an outcome, by its age or because it is erased; its key stays refused until the tombstone ends. */
export function expire(record: Completed, atMs: number = record.retainUntilMs): Expired {
  return become(record, {
    state: 'expired',
    status: record.outcome.status,
    expiredAtMs: atMs,
    forgetAtMs: record.forgetAtMs,
  })
}

/** The record holds this attempt's claim, or the last one that it had. */
export function holds(record: OperationRecord, by: Claim): boolean {
  return record.attemptId === by.attemptId && record.fence === by.fence
}

/** Whether an effect may exist although nothing says that it completed. */
function mayHaveEffect(record: Running | Unknown): boolean {
  if (record.state === 'unknown') return true
  return record.effect === 'begun' && record.guarantee !== 'resumable'
}

function running(
  operation: Operation,
  terms: Terms,
  nowMs: number,
  counted: { fence: number; attempts: number; createdAtMs: number; steps?: Steps },
): Running {
  return {
    id: operation.id,
    name: operation.name,
    fingerprint: operation.fingerprint,
    guarantee: terms.guarantee,
    fence: counted.fence,
    attemptId: terms.attemptId,
    attempts: counted.attempts,
    createdAtMs: counted.createdAtMs,
    state: 'running',
    effect: terms.begun ? 'begun' : 'not-begun',
    claimedAtMs: nowMs,
    leaseUntilMs: nowMs + terms.leaseMs,
    steps: counted.steps ?? [],
  }
}

function again(record: Running | Released, operation: Operation, terms: Terms, nowMs: number): Running {
  const next = running(operation, terms, nowMs, {
    fence: record.fence + 1,
    attempts: record.attempts + 1,
    createdAtMs: record.createdAtMs,
    steps: record.steps,
  })
  // An effect that began stays begun over a takeover.
  return record.state === 'running' && record.effect === 'begun' ? { ...next, effect: 'begun' } : next
}

function completed(record: Running | Unknown, outcome: Outcome, horizons: Horizons, nowMs: number): Completed {
  // Retention starts at completion, not at arrival: a slow operation keeps its whole window.
  const retainUntilMs = nowMs + horizons.retentionMs
  return become(record, {
    state: 'completed',
    outcome,
    completedAtMs: nowMs,
    retainUntilMs,
    forgetAtMs: retainUntilMs + horizons.tombstoneMs,
  })
}

function released(record: Running | Unknown, horizons: Horizons, nowMs: number): Released {
  return become(record, {
    state: 'released',
    releasedAtMs: nowMs,
    forgetAtMs: nowMs + horizons.retentionMs + horizons.tombstoneMs,
    steps: record.state === 'running' ? record.steps : [],
  })
}

function unknown(record: Running, reason: UnknownReason, nowMs: number): Unknown {
  return become(record, { state: 'unknown', reason, sinceMs: nowMs })
}

/** What every record has, and what its next state alone has. */
function become<const S extends object>(record: OperationRecord, state: S): Recorded & S {
  const { id, name, fingerprint, guarantee, fence, attemptId, attempts, createdAtMs } = record
  // Not a spread: V8 takes a microsecond for each property that follows one.
  return Object.assign({ id, name, fingerprint, guarantee, fence, attemptId, attempts, createdAtMs }, state)
}
