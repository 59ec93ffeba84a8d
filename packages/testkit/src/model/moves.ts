/** Every way in which a world can go on: attempts act or die, writes arrive, arrive twice, or are lost; time passes. */

import type { Ending, OperationRecord } from 'reprise/engine'
import type { Rules } from './rules.ts'
import {
  type AttemptState,
  attemptId,
  horizons,
  instants,
  leaseMs,
  type Message,
  outcomeOf,
  type Setting,
  timeless,
  type World,
  type Write,
} from './world.ts'

/** `label` says what happened, for the trace of a violation. */
export type Visit = (next: World, label: string) => void

export function moves(world: World, setting: Setting, rules: Rules, visit: Visit): void {
  world.attempts.forEach((attempt, index) => {
    act(world, attempt, index, setting, visit)
  })
  world.messages.forEach((message, index) => {
    deliver(world, message, index, setting, rules, visit)
  })
  if (setting.expiry) passTime(world, rules, visit)
}

/** What an attempt does by itself. */
function act(world: World, attempt: AttemptState, index: number, setting: Setting, visit: Visit): void {
  const go = (change: Partial<AttemptState>, label: string, more: Partial<World> = {}): void =>
    visit(
      { ...world, attempts: replace(world.attempts, index, { ...attempt, ...change }), ...more },
      `${index}: ${label}`,
    )
  const send = (write: Write): Partial<World> => ({
    messages: [...world.messages, { attempt: index, write, fence: attempt.fence, deliveries: setting.deliveries }],
  })
  const settle = (ending: 'complete' | 'release' | 'give-up', label: string): void =>
    go({ stage: 'settling', ending }, label, send(ending))

  if (!['new', 'answered', 'refused', 'dead'].includes(attempt.stage)) go({ stage: 'dead' }, 'dies')
  switch (attempt.stage) {
    case 'new':
      // A transaction is granted and committed by one message: what it reads, it reads when it commits.
      if (setting.guarantee === 'transactional') go({ stage: 'committing' }, 'runs, sends COMMIT', send('complete'))
      else go({ stage: 'claiming' }, 'claims', send('claim'))
      break
    case 'running':
      if (setting.guarantee === 'guarded' && setting.named) {
        go({ stage: 'beginning' }, 'sends its commit point', send('begin'))
        settle('release', 'throws before its commit point')
      } else go({ stage: 'begun' }, 'is past its first line')
      break
    case 'begun':
      go({ stage: 'effected' }, 'EFFECT', { effects: [...world.effects, index] })
      settle('release', 'says that nothing happened')
      settle('give-up', 'throws')
      break
    case 'effected':
      settle('complete', 'settles')
      settle('give-up', 'throws after its effect')
      break
    case 'claiming':
      if (attempt.resends > 0) go({ resends: attempt.resends - 1 }, 'claims again', send('claim'))
      go({ stage: 'refused' }, 'gives up claiming')
      break
    case 'beginning':
      if (attempt.resends > 0) go({ resends: attempt.resends - 1 }, 'sends its commit point again', send('begin'))
      settle('release', 'gives up: its commit point was not acknowledged')
      break
    case 'settling':
    case 'committing': {
      const write = attempt.ending ?? 'complete'
      if (attempt.resends > 0) go({ resends: attempt.resends - 1 }, 'settles again', send(write))
      const { record } = world
      const completed = record?.state === 'completed' ? record.outcome.status - 200 : undefined
      if (completed === undefined) go({ stage: 'refused' }, 'asks the record, can not tell')
      else go({ stage: 'answered', answer: completed }, 'asks the record, answers from it')
      break
    }
    case 'answered':
    case 'refused':
    case 'dead':
      break
  }
}

/**
 * A write reaches the store, which applies it and acknowledges; the acknowledgement may be lost. A write that never
 * arrives needs no move: it is one that stays on its way.
 */
function deliver(world: World, message: Message, at: number, setting: Setting, rules: Rules, visit: Visit): void {
  const rest = world.messages.filter((_, index) => index !== at)
  const left = message.deliveries > 1 ? [...rest, { ...message, deliveries: message.deliveries - 1 }] : rest
  for (const [when, nowMs] of Object.entries(instants)) {
    if (when !== 'held' && when !== 'lapsed') continue
    if (when === 'lapsed' && message.write !== 'claim' && message.write !== 'complete') continue
    const applied = apply({ ...world, messages: left }, message, nowMs, setting, rules)
    const label = `the ${message.write} of ${message.attempt} arrives${when === 'lapsed' ? ' after the lease' : ''}`
    visit(applied.world, `${label}, its answer is lost`)
    const told = hear(applied.world, message, applied.reply)
    if (told !== undefined) visit(told, label)
  }
}

type Reply =
  | { readonly kind: 'granted'; readonly fence: number }
  | { readonly kind: 'written' }
  | { readonly kind: 'found'; readonly record: OperationRecord | undefined }

function apply(
  world: World,
  message: Message,
  nowMs: number,
  setting: Setting,
  rules: Rules,
): { world: World; reply: Reply } {
  const by = { id: 'k', attemptId: attemptId(message.attempt), fence: message.fence }
  const operation = { id: 'k', name: 'n', fingerprint: 'f' }
  const terms = {
    attemptId: by.attemptId,
    guarantee: setting.guarantee,
    leaseMs,
    begun: setting.guarantee === 'guarded' && !setting.named,
  }
  if (message.write === 'claim') {
    const result = rules.claim(world.record, operation, terms, nowMs, world.fenceFloor)
    const record = timeless(result.record)
    if (result.kind === 'found') return { world: { ...world, record }, reply: { kind: 'found', record } }
    const repeated = world.record?.state === 'running' && world.record.attemptId === by.attemptId
    const broken =
      !repeated && record.fence <= world.granted ? `fence ${record.fence} was granted before` : world.broken
    const granted = Math.max(world.granted, record.fence)
    return { world: { ...world, record, granted, broken }, reply: { kind: 'granted', fence: record.fence } }
  }
  if (setting.guarantee === 'transactional') {
    const ending = { kind: 'completed', outcome: outcomeOf(message.attempt), ...horizons } as const
    const own = world.record?.state === 'completed' && world.record.attemptId === by.attemptId
    const result = rules.settleAtOnce(world.record, operation, terms, ending, nowMs, world.fenceFloor)
    if (result.kind !== 'written') {
      return { world, reply: own ? { kind: 'written' } : { kind: 'found', record: result.record } }
    }
    // The effect is in the transaction of the record: it happens if and only if the record was written.
    const record = timeless(result.record)
    return {
      world: { ...world, record, effects: [...world.effects, message.attempt], granted: record.fence },
      reply: { kind: 'written' },
    }
  }
  const result =
    message.write === 'begin'
      ? rules.beginEffect(world.record, by)
      : rules.settle(world.record, by, endingOf(message.write, message.attempt, setting), nowMs)
  if (result.kind === 'superseded') return { world, reply: { kind: 'found', record: result.record } }
  const record = result.kind === 'written' ? timeless(result.record) : world.record
  return { world: { ...world, record }, reply: { kind: 'written' } }
}

function endingOf(write: Write, attempt: number, setting: Setting): Ending {
  if (write === 'complete') return { kind: 'completed', outcome: outcomeOf(attempt), ...horizons }
  if (write === 'release') return { kind: 'released', proof: 'not-applied', ...horizons }
  if (setting.guarantee === 'guarded') return { kind: 'unknown', reason: 'handler-failed' }
  return { kind: 'released', proof: 'not-begun', ...horizons }
}

/** The attempt gets the store's answer, if it is still waiting for this one; nothing where it is not. */
function hear(world: World, message: Message, reply: Reply): World | undefined {
  const attempt = world.attempts[message.attempt] as AttemptState
  const become = (change: Partial<AttemptState>): World => ({
    ...world,
    attempts: replace(world.attempts, message.attempt, ended({ ...attempt, ...change })),
  })
  const waiting: Readonly<Record<Write, string>> = {
    claim: 'claiming',
    begin: 'beginning',
    complete: attempt.stage === 'committing' ? 'committing' : 'settling',
    release: 'settling',
    'give-up': 'settling',
  }
  if (attempt.stage !== waiting[message.write]) return undefined
  if (message.write !== 'claim' && message.write !== 'begin' && (attempt.ending ?? 'complete') !== message.write)
    return undefined
  switch (reply.kind) {
    case 'granted':
      return become({ stage: 'running', fence: reply.fence, life: world.life })
    case 'written':
      if (message.write === 'begin') return become({ stage: 'begun' })
      if (message.write === 'complete') return become({ stage: 'answered', answer: message.attempt })
      return become({ stage: 'refused' })
    case 'found':
      if (reply.record?.state === 'completed') {
        return become({ stage: 'answered', answer: reply.record.outcome.status - 200 })
      }
      return become({ stage: 'refused' })
  }
}

/** Retention ends; later the tombstone ends and the sweep removes it, keeping the fence that it had. */
function passTime(world: World, rules: Rules, visit: Visit): void {
  const { record } = world
  if (record === undefined || world.life > 0) return
  if (record.state === 'completed') {
    const expired = rules.asOf(record, instants.expired)
    if (expired !== undefined) visit({ ...world, record: timeless(expired) }, 'retention ends')
  }
  if (rules.dueAtMs(record) !== undefined && rules.asOf(record, instants.forgotten) === undefined) {
    const fenceFloor = Math.max(world.fenceFloor, record.fence)
    // What happened in the forgotten life of the key is not held against the next one.
    visit({ ...world, record: undefined, fenceFloor, life: world.life + 1, effects: [] }, 'the tombstone ends')
  }
}

/** An attempt that has ended differs from another only by what it answered. */
function ended(attempt: AttemptState): AttemptState {
  if (attempt.stage !== 'answered' && attempt.stage !== 'refused' && attempt.stage !== 'dead') return attempt
  return {
    ...attempt,
    stage: attempt.stage === 'answered' ? 'answered' : 'dead',
    fence: 0,
    resends: 0,
    ending: undefined,
  }
}

function replace<T>(list: readonly T[], index: number, value: T): T[] {
  const next = list.slice()
  next[index] = value
  return next
}
