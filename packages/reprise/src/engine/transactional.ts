/**
 * One attempt under `transactional`: the effect and its outcome commit together, or neither does. There is no claim
 * to lose and no lease to renew; the store bounds how long the transaction may take.
 */

import type { Arrival, Effect, Performed, Ports } from './arrival.ts'
import { RunningAttempt } from './attempt.ts'
import { RepriseError } from './errors.ts'
import { callHandler, type HandlerEnd, learnPace } from './handler.ts'
import type { Policy } from './policy.ts'
import type { BeginResult, CommitResult, Store, TransactionEnding } from './store.ts'

export async function performTransactional<Tx>(
  ports: Ports<Tx>,
  arrival: Arrival,
  policy: Policy,
  effect: Effect<Tx>,
): Promise<Performed> {
  const { clock } = ports
  const attemptId = ports.randomness.attemptId()
  let attempt: RunningAttempt<Tx> | undefined
  let begun: BeginResult<Tx>
  try {
    begun = await begin(ports.store, arrival, policy, attemptId, () => {
      attempt?.abort(new RepriseError('attempt-overdue', `The transaction of "${policy.name}" was given up.`))
    })
  } catch (error) {
    return { kind: 'unavailable', effect: 'none', error }
  }
  if (begun.kind === 'found') return begun

  const { transaction } = begun
  attempt = new RunningAttempt<Tx>({
    id: arrival.id,
    key: arrival.key,
    principal: arrival.principal,
    fence: transaction.fence,
    number: transaction.number,
    begun: false,
    retentionMs: policy.retentionMs,
    tx: { value: transaction.tx },
  })
  const startedMs = clock.monotonic()
  const end = await callHandler(effect, attempt)
  learnPace(policy, clock.monotonic() - startedMs)

  const ending = endingOf(end, attempt.retentionMs, policy)
  let committed: CommitResult
  try {
    committed = await transaction.end(ending)
  } catch (error) {
    return afterLostCommit(ports.store, arrival, attemptId, ending, error)
  }
  switch (committed.kind) {
    case 'committed':
      return committed.record.state === 'completed' ? { kind: 'executed', record: committed.record } : released(end)
    case 'superseded':
      if (committed.record === undefined) return rolledBack({ why: 'conflict' }, policy)
      return { kind: 'found', record: committed.record }
    case 'rolled-back':
      // A handler that threw by itself has told more than the store could.
      return end.kind === 'fail' && end.threw && committed.why !== 'overdue'
        ? released(end)
        : rolledBack(committed, policy)
  }
}

function begin<Tx>(
  store: Store<Tx>,
  arrival: Arrival,
  policy: Policy,
  attemptId: string,
  lost: () => void,
): Promise<BeginResult<Tx>> {
  if (store.begin === undefined) throw new RepriseError('capability-missing', `"${store.name}" has no transactions.`)
  const operation = { id: arrival.id, name: policy.name, fingerprint: arrival.fingerprint }
  const terms = { attemptId, guarantee: policy.guarantee, leaseMs: policy.leaseMs, begun: false }
  return store.begin(operation, terms, lost)
}

/** Any throw or failure rolls back, so nothing happened; a refusal rolls the effect back and is itself the outcome. */
function endingOf(end: HandlerEnd, retentionMs: number, policy: Policy): TransactionEnding {
  const { tombstoneMs } = policy
  switch (end.kind) {
    case 'keep':
      return { kind: 'completed', effect: 'kept', outcome: end.outcome, retentionMs, tombstoneMs }
    case 'refuse':
      return { kind: 'completed', effect: 'undone', outcome: end.outcome, retentionMs, tombstoneMs }
    case 'release':
    case 'fail':
      return { kind: 'released', retentionMs, tombstoneMs }
  }
}

function released(end: HandlerEnd): Performed {
  return end.kind === 'release' || end.kind === 'fail'
    ? { kind: 'released', error: end.error, threw: end.threw }
    : { kind: 'released', error: undefined, threw: false }
}

function rolledBack(
  { why, error }: { why: 'conflict' | 'overdue' | 'failed'; error?: unknown },
  policy: Policy,
): Performed {
  return { kind: 'unavailable', effect: 'none', error: error ?? rollbackError(why, policy) }
}

function rollbackError(why: 'conflict' | 'overdue' | 'failed', policy: Policy): RepriseError {
  switch (why) {
    case 'overdue':
      return new RepriseError('attempt-overdue', `"${policy.name}" took longer than its ${policy.leaseMs} ms.`)
    case 'conflict':
      return new RepriseError('transaction-conflict', `The transaction of "${policy.name}" was rolled back.`)
    case 'failed':
      return new RepriseError('store-unavailable', `The transaction of "${policy.name}" could not be committed.`)
  }
}

/** An error from COMMIT is not an abort: the record is asked, by attempt id, before anything is said. */
async function afterLostCommit<Tx>(
  store: Store<Tx>,
  arrival: Arrival,
  attemptId: string,
  ending: TransactionEnding,
  error: unknown,
): Promise<Performed> {
  try {
    const record = await store.find(arrival.id)
    if (record?.state === 'completed' && record.attemptId === attemptId) return { kind: 'executed', record }
    if (record !== undefined) return { kind: 'found', record }
  } catch {
    // Both errors say the same: the store can't be asked now. The first is the one worth reporting.
  }
  return { kind: 'unavailable', effect: ending.kind === 'completed' ? 'unknown' : 'none', error }
}
