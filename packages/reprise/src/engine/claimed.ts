/**
 * One attempt under `guarded` or `resumable`: a durable claim first, renewed while the handler runs, then a
 * settlement that only the holder of the claim can make. No outcome is told before it is durable.
 */

import type { Arrival, Effect, Performed, Ports } from './arrival.ts'
import { RunningAttempt } from './attempt.ts'
import { type Clock, sleep } from './clock.ts'
import { RepriseError } from './errors.ts'
import { callHandler, type HandlerEnd, learnPace } from './handler.ts'
import { keepLease } from './lease.ts'
import type { Policy } from './policy.ts'
import type { Running } from './record.ts'
import type { Store } from './store.ts'
import type { Claim, ClaimResult, Ending, WriteResult } from './transitions.ts'

/** How often, and how far apart, a write is sent again before the attempt gives up and says that it can't tell. */
const writeTries = 4
const writePauseMs = 50

export async function performClaimed<Tx>(
  ports: Ports<Tx>,
  arrival: Arrival,
  policy: Policy,
  effect: Effect<Tx>,
): Promise<Performed> {
  const { store, clock } = ports
  const attemptId = ports.randomness.attemptId()
  let claimed: ClaimResult
  try {
    claimed = await claimOnce(store, arrival, policy, attemptId)
  } catch (error) {
    abandon(store, arrival.id, attemptId, policy)
    return { kind: 'unavailable', effect: 'none', error }
  }
  if (claimed.kind === 'found') return { kind: 'found', record: claimed.record }

  const claim: Claim = { id: arrival.id, attemptId, fence: claimed.record.fence }
  const attempt = open<Tx>(ports, claim, claimed.record, arrival, policy)
  const stop = keepLease(store, claim, policy.leaseMs, clock, () => attempt.abort(superseded(policy)))
  const startedMs = clock.monotonic()
  let end: HandlerEnd
  try {
    end = await callHandler(effect, attempt)
  } finally {
    stop()
  }
  learnPace(policy, clock.monotonic() - startedMs)
  return settleEnd(store, clock, claim, attempt, end, policy)
}

/** A claim whose acknowledgement was lost is sent once more: the store recognises the attempt id. */
async function claimOnce<Tx>(
  store: Store<Tx>,
  arrival: Arrival,
  policy: Policy,
  attemptId: string,
): Promise<ClaimResult> {
  const operation = { id: arrival.id, name: policy.name, fingerprint: arrival.fingerprint }
  const terms = { attemptId, guarantee: policy.guarantee, leaseMs: policy.leaseMs, begun: policy.begunAtClaim }
  try {
    return await store.claim(operation, terms)
  } catch {
    return store.claim(operation, terms)
  }
}

/**
 * Both acknowledgements of a claim were lost, and the handler has not run. If the claim was applied all the same, it is
 * given back in the background, so that the operation need not wait for the lease to lapse.
 */
function abandon<Tx>(store: Store<Tx>, id: string, attemptId: string, policy: Policy): void {
  const { retentionMs, tombstoneMs } = policy
  store
    .find(id)
    .then(async (record) => {
      if (record?.state !== 'running' || record.attemptId !== attemptId) return
      const ending: Ending = { kind: 'released', proof: 'not-applied', retentionMs, tombstoneMs }
      await store.settle({ id, attemptId, fence: record.fence }, ending)
    })
    .catch(() => {
      // The store is still away; the lease says when the operation is free.
    })
}

function open<Tx>(
  { store, clock }: Ports<Tx>,
  claim: Claim,
  record: Running,
  arrival: Arrival,
  policy: Policy,
): RunningAttempt<Tx> {
  return new RunningAttempt<Tx>({
    id: arrival.id,
    key: arrival.key,
    principal: arrival.principal,
    fence: record.fence,
    number: record.attempts,
    begun: record.effect === 'begun',
    retentionMs: policy.retentionMs,
    begin: async () => {
      const result = await persist(clock, () => store.beginEffect(claim))
      if (result.kind === 'superseded') throw superseded(policy)
    },
  })
}

function superseded(policy: Policy): RepriseError {
  return new RepriseError('attempt-superseded', `Another attempt of "${policy.name}" has taken over.`)
}

async function settleEnd<Tx>(
  store: Store<Tx>,
  clock: Clock,
  claim: Claim,
  attempt: RunningAttempt<Tx>,
  end: HandlerEnd,
  policy: Policy,
): Promise<Performed> {
  const ending = endingOf(end, attempt, policy)
  let result: WriteResult
  try {
    result = await persist(clock, () => store.settle(claim, ending))
  } catch (error) {
    return { kind: 'unavailable', effect: unrecorded(ending, end, policy), error }
  }
  if (result.kind === 'superseded') {
    if (result.record !== undefined) return { kind: 'found', record: result.record }
    const mayHaveEffect = attempt.begun || policy.guarantee === 'resumable'
    return { kind: 'unavailable', effect: mayHaveEffect ? 'unknown' : 'none', error: superseded(policy) }
  }
  const { record } = result
  switch (record.state) {
    case 'completed':
      return { kind: 'executed', record }
    case 'unknown':
      return { kind: 'unknown', record, error: 'error' in end ? end.error : undefined }
    case 'released':
      return end.kind === 'release' || end.kind === 'fail'
        ? { kind: 'released', error: end.error, threw: end.threw }
        : { kind: 'found', record }
    case 'running':
    case 'expired':
      return { kind: 'found', record }
  }
}

/** Knowledge of the effect decides: before the commit point a failure is a release, after it nobody knows. */
function endingOf<Tx>(end: HandlerEnd, attempt: RunningAttempt<Tx>, policy: Policy): Ending {
  const horizons = { retentionMs: attempt.retentionMs, tombstoneMs: policy.tombstoneMs }
  switch (end.kind) {
    case 'keep':
    case 'refuse':
      return { kind: 'completed', outcome: end.outcome, ...horizons }
    case 'release':
      return { kind: 'released', proof: 'not-applied', ...horizons }
    case 'fail':
      // The commit point could not be written, and the handler ended with that very error: it called nothing.
      if (end.error !== undefined && end.error === attempt.beginFailure) {
        return { kind: 'released', proof: 'not-applied', ...horizons }
      }
      if (attempt.begun && policy.guarantee === 'guarded') return { kind: 'unknown', reason: 'handler-failed' }
      return { kind: 'released', proof: 'not-begun', ...horizons }
  }
}

/** What the caller may be told of the effect when its ending could not be recorded. */
function unrecorded(ending: Ending, end: HandlerEnd, policy: Policy): 'none' | 'unknown' {
  if (ending.kind !== 'released') return 'unknown'
  // A resumable handler that failed may have acted downstream: the next attempt will do it under the same keys.
  return end.kind === 'fail' && policy.guarantee === 'resumable' ? 'unknown' : 'none'
}

/** Sends a write until it is acknowledged; each is the same write by the same attempt, so it counts once. */
async function persist(clock: Clock, write: () => Promise<WriteResult>): Promise<WriteResult> {
  for (let tried = 1; ; tried++) {
    try {
      return await write()
    } catch (error) {
      if (tried === writeTries) throw error
      await sleep(clock, writePauseMs * tried)
    }
  }
}
