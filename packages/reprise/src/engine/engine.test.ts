import assert from 'node:assert/strict'
import { TestClock } from '@reprise/testkit'
import { describe, expect, test } from 'vitest'
import { type MemoryTx, memory } from '../stores/memory.ts'
import type { Arrival, Effect } from './arrival.ts'
import type { Attempt } from './attempt.ts'
import type { Conclusion, Verdict } from './conclusion.ts'
import { Engine, type EngineLimits } from './engine.ts'
import { NotApplied } from './errors.ts'
import { operationId } from './operation-id.ts'
import { compilePolicy, defaultPolicy, type Policy, type PolicyOptions } from './policy.ts'
import type { Guarantee, Outcome } from './record.ts'
import type { Store } from './store.ts'

const guarantees = ['transactional', 'guarded', 'resumable'] as const
const leaseMs = 60_000

const outcome = (text: string): Outcome => ({ status: 201, headers: [['x', text]], body: Buffer.from(text) })
const keep = (text = 'done'): Verdict => ({ kind: 'keep', outcome: outcome(text) })
const refuse = (text = 'refused'): Verdict => ({ kind: 'refuse', outcome: outcome(text) })

/** What a test arranges: a store in virtual time, an engine over it, and a count of how often handlers ran. */
function bench(options: { store?: (store: Store<MemoryTx>) => Store<MemoryTx>; limits?: Partial<EngineLimits> } = {}) {
  const clock = new TestClock()
  const memoryStore = memory({ clock })
  const store = options.store?.(memoryStore) ?? memoryStore
  let drawn = 0
  const randomness = { attemptId: () => String(++drawn).padStart(22, '0'), fraction: () => 0 }
  const limits = { replayCacheBytes: 0, waiting: { perOperation: 32, perProcess: 1000 }, ...options.limits }
  const engine = new Engine<MemoryTx>({ store, clock, randomness }, limits)
  return { clock, store, memoryStore, engine, data: memoryStore.data }
}

function policy(store: Store<MemoryTx>, chosen: Partial<PolicyOptions> = {}): Policy {
  return compilePolicy('test', { name: 'order.create', guarantee: 'guarded', ...chosen }, store, defaultPolicy)
}

function arrival(key: string, chosen: Partial<Arrival> = {}): Arrival {
  const principal = chosen.principal ?? 'alice'
  const id = operationId({ namespace: '', scope: '', principal, key }, undefined)
  return { id, fingerprint: `v1:${key}`, key, principal, ...chosen }
}

/** A promise that the test settles when it likes. */
function gate<T = void>(): { readonly passed: Promise<T>; open(value: T): void } {
  let open: (value: T) => void = () => undefined
  const passed = new Promise<T>((resolve) => {
    open = resolve
  })
  return { passed, open: (value) => open(value) }
}

const unreachable: Effect<MemoryTx> = () => expect.unreachable('the handler may not run')
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function bodyOf(conclusion: Conclusion): string {
  if (conclusion.kind !== 'executed' && conclusion.kind !== 'replayed') return `no body: ${conclusion.kind}`
  return Buffer.from(conclusion.record.outcome.body ?? []).toString()
}

describe.for(guarantees)('%s', (guarantee: Guarantee) => {
  test('the first attempt executes, and every later one replays its bytes', async () => {
    const { engine, store } = bench()
    const rules = policy(store, { guarantee })
    const first = await engine.perform(arrival('a'), rules, () => keep('one'))
    expect([first.kind, bodyOf(first)]).toEqual(['executed', 'one'])
    for (let again = 0; again < 3; again++) {
      const replay = await engine.perform(arrival('a'), rules, unreachable)
      expect([replay.kind, bodyOf(replay)]).toEqual(['replayed', 'one'])
    }
  })

  test('of a hundred that arrive together one executes', async () => {
    const { engine, store } = bench()
    const rules = policy(store, { guarantee })
    let ran = 0
    const conclusions = await Promise.all(
      Array.from({ length: 100 }, () =>
        engine.perform(arrival('a'), rules, async () => {
          ran++
          await settle()
          return keep()
        }),
      ),
    )
    expect(ran).toBe(1)
    expect(conclusions.filter(({ kind }) => kind === 'executed')).toHaveLength(1)
    expect(conclusions.filter(({ kind }) => kind === 'in-progress')).toHaveLength(99)
  })

  test('keys of two principals are two operations', async () => {
    const { engine, store } = bench()
    const rules = policy(store, { guarantee })
    await engine.perform(arrival('a', { principal: 'alice' }), rules, () => keep('for alice'))
    const other = await engine.perform(arrival('a', { principal: 'bob' }), rules, () => keep('for bob'))
    expect([other.kind, bodyOf(other)]).toEqual(['executed', 'for bob'])
  })

  test('while the first runs, a duplicate is in progress and another request is a mismatch', async () => {
    const { engine, store } = bench()
    const rules = policy(store, { guarantee })
    const handler = gate<Verdict>()
    const first = engine.perform(arrival('a'), rules, () => handler.passed)
    await settle()
    expect((await engine.perform(arrival('a'), rules, unreachable)).kind).toBe('in-progress')
    const other = await engine.perform(arrival('a', { fingerprint: 'v1:other' }), rules, unreachable)
    expect(other.kind).toBe('mismatch')
    handler.open(keep())
    expect((await first).kind).toBe('executed')
  })

  test('a refusal is an outcome like any other', async () => {
    const { engine, store } = bench()
    const rules = policy(store, { guarantee })
    expect((await engine.perform(arrival('a'), rules, () => refuse())).kind).toBe('executed')
    const replay = await engine.perform(arrival('a'), rules, unreachable)
    expect([replay.kind, bodyOf(replay)]).toEqual(['replayed', 'refused'])
  })

  test('NotApplied releases, whatever the commit point says', async () => {
    const { engine, store } = bench()
    const rules = policy(store, { guarantee })
    const error = new NotApplied('the bank refused')
    const first = await engine.perform(arrival('a'), rules, async (attempt) => {
      await attempt.commitPoint()
      throw error
    })
    expect(first).toEqual({ kind: 'released', error, threw: true })
    expect((await engine.perform(arrival('a'), rules, () => keep())).kind).toBe('executed')
  })

  test('doNotStore releases, and the next attempt runs the handler again', async () => {
    const { engine, store } = bench()
    const rules = policy(store, { guarantee })
    const first = await engine.perform(arrival('a'), rules, (attempt) => {
      attempt.doNotStore()
      return keep('not for keeps')
    })
    expect(first).toEqual({ kind: 'released', error: undefined, threw: false })
    expect((await engine.perform(arrival('a'), rules, () => keep())).kind).toBe('executed')
  })

  test('retainFor decides how long the outcome is replayed', async () => {
    const { engine, store, clock } = bench()
    const rules = policy(store, { guarantee })
    await engine.perform(arrival('a'), rules, (attempt) => {
      attempt.retainFor('2m')
      return keep()
    })
    await clock.advance(119_999)
    expect((await engine.perform(arrival('a'), rules, unreachable)).kind).toBe('replayed')
    await clock.advance(1)
    expect((await engine.perform(arrival('a'), rules, unreachable)).kind).toBe('expired')
  })

  test('after the tombstone the key is free again', async () => {
    const { engine, store, clock } = bench()
    const rules = policy(store, { guarantee })
    await engine.perform(arrival('a'), rules, () => keep('one'))
    await clock.advance(defaultPolicy.retentionMs + defaultPolicy.tombstoneMs)
    expect(bodyOf(await engine.perform(arrival('a'), rules, () => keep('two')))).toBe('two')
  })

  test('an attempt counts, and its fence grows', async () => {
    const { engine, store } = bench()
    const rules = policy(store, { guarantee })
    const seen: (readonly [number, number])[] = []
    for (let round = 0; round < 3; round++) {
      await engine.perform(arrival('a'), rules, (attempt) => {
        seen.push([attempt.number, attempt.fence])
        return { kind: 'release' }
      })
    }
    expect(seen.map(([number]) => number)).toEqual([1, 2, 3])
    expect(seen.map(([, fence]) => fence)).toEqual([...new Set(seen.map(([, fence]) => fence))].sort((a, b) => a - b))
  })

  test('keys for systems downstream stay over attempts, and differ between names and principals', async () => {
    const { engine, store } = bench()
    const rules = policy(store, { guarantee })
    const keys: string[] = []
    const collect = (attempt: Attempt<MemoryTx>): Verdict => {
      keys.push(attempt.keyFor('charge'), attempt.keyFor('refund'))
      return { kind: 'release' }
    }
    await engine.perform(arrival('a'), rules, collect)
    await engine.perform(arrival('a'), rules, collect)
    await engine.perform(arrival('a', { principal: 'bob' }), rules, collect)
    expect(keys.slice(0, 2)).toEqual(keys.slice(2, 4))
    expect(new Set(keys).size).toBe(4)
  })

  test('a synchronous throw is a failure like any other', async () => {
    const { engine, store } = bench()
    const rules = policy(store, { guarantee, ...(guarantee === 'guarded' ? { commitPoint: 'named' } : {}) })
    const error = new Error('at once')
    const conclusion = await engine.perform(arrival('a'), rules, () => {
      throw error
    })
    expect(conclusion).toEqual({ kind: 'released', error, threw: true })
  })
})

describe('another fingerprint is a mismatch before anything else, in every state', () => {
  const other = arrival('a', { fingerprint: 'v1:other' })

  const arranged: readonly (readonly [string, (made: ReturnType<typeof bench>) => Promise<unknown>])[] = [
    ['completed', ({ engine, store }) => engine.perform(arrival('a'), policy(store), () => keep())],
    ['released', ({ engine, store }) => engine.perform(arrival('a'), policy(store), () => ({ kind: 'release' }))],
    ['unknown', ({ engine, store }) => engine.perform(arrival('a'), policy(store), () => ({ kind: 'fail' }))],
    [
      'expired',
      async ({ engine, store, clock }) => {
        await engine.perform(arrival('a'), policy(store), () => keep())
        await clock.advance(defaultPolicy.retentionMs)
      },
    ],
  ]

  test.for(arranged)('%s', async ([state, arrange]) => {
    const made = bench()
    await arrange(made)
    const conclusion = await made.engine.perform(other, policy(made.store), unreachable)
    expect(conclusion).toMatchObject({ kind: 'mismatch', record: { state } })
  })

  test('a mismatch is told from the replay cache too', async () => {
    const { engine, store } = bench({ limits: { replayCacheBytes: 1_000_000 } })
    await engine.perform(arrival('a'), policy(store), () => keep())
    expect((await engine.perform(other, policy(store), unreachable)).kind).toBe('mismatch')
    expect((await engine.perform(arrival('a'), policy(store), unreachable)).kind).toBe('replayed')
  })
})

describe('in progress', () => {
  /** Starts a handler that never ends, `afterMs` after which a duplicate asks. */
  async function hint(paceMs: number, afterMs: number): Promise<Extract<Conclusion, { kind: 'in-progress' }>> {
    const { engine, store, clock } = bench()
    const rules = policy(store)
    rules.pace = paceMs
    void engine.perform(arrival('a'), rules, () => new Promise<Verdict>(() => undefined))
    await clock.advance(afterMs)
    const conclusion = await engine.perform(arrival('a'), rules, unreachable)
    expect(conclusion.kind).toBe('in-progress')
    return conclusion as Extract<Conclusion, { kind: 'in-progress' }>
  }

  test('says when the first attempt began', async () => {
    const { startedAtMs } = await hint(0, 5_000)
    expect(startedAtMs).toBe(new TestClock().now())
  })

  test('says what is left of the usual time', async () => {
    expect((await hint(3_000, 1_000)).retryAfterMs).toBe(2_000)
  })

  test('after the usual time it says a second', async () => {
    expect((await hint(3_000, 10_000)).retryAfterMs).toBe(1_000)
  })

  test('learns the pace of the handler', async () => {
    const { engine, store, clock } = bench()
    const rules = policy(store)
    const handler = gate<Verdict>()
    const first = engine.perform(arrival('a'), rules, () => handler.passed)
    await clock.advance(4_000)
    handler.open(keep())
    await first
    expect(rules.pace).toBe(4_000)
  })
})

describe('waiting for the first answer', () => {
  const waiting = { onConcurrent: { waitUpTo: '10s' } } as const

  test.for(guarantees)('a duplicate gets the first answer (%s)', async (guarantee) => {
    const { engine, store } = bench()
    const rules = policy(store, { guarantee, ...waiting })
    const handler = gate<Verdict>()
    const first = engine.perform(arrival('a'), rules, () => handler.passed)
    await settle()
    const duplicates = Array.from({ length: 20 }, () => engine.perform(arrival('a'), rules, unreachable))
    await settle()
    handler.open(keep('the first answer'))
    await first
    for (const duplicate of await Promise.all(duplicates)) {
      expect([duplicate.kind, bodyOf(duplicate)]).toEqual(['replayed', 'the first answer'])
    }
  })

  test.for(guarantees)('when the first is released, one of those who wait runs (%s)', async (guarantee) => {
    const { engine, store } = bench()
    const rules = policy(store, { guarantee, ...waiting })
    const handler = gate<Verdict>()
    const first = engine.perform(arrival('a'), rules, () => handler.passed)
    await settle()
    let ran = 0
    const run = async (): Promise<Verdict> => {
      ran++
      await settle()
      return keep('the second answer')
    }
    const duplicates = Array.from({ length: 5 }, () => engine.perform(arrival('a'), rules, run))
    await settle()
    handler.open({ kind: 'release' })
    expect((await first).kind).toBe('released')
    expect((await Promise.all(duplicates)).map(bodyOf)).toEqual(Array.from({ length: 5 }, () => 'the second answer'))
    expect(ran).toBe(1)
  })

  test('gives up when the wait is over', async () => {
    const { engine, store, clock } = bench()
    const rules = policy(store, waiting)
    const handler = gate<Verdict>()
    const first = engine.perform(arrival('a'), rules, () => handler.passed)
    await settle()
    let answered = false
    const duplicate = engine.perform(arrival('a'), rules, unreachable).finally(() => {
      answered = true
    })
    await clock.advance(9_999)
    expect(answered).toBe(false)
    await clock.advance(1)
    expect((await duplicate).kind).toBe('in-progress')
    handler.open(keep())
    await first
  })

  test('a store that wakes nobody is looked at again and again', async () => {
    const silent = (store: Store<MemoryTx>): Store<MemoryTx> =>
      wrap(store, { watch: undefined, capabilities: { ...store.capabilities, wakesWaiters: false } })
    const { engine, store, clock } = bench({ store: silent })
    const rules = policy(store, waiting)
    const handler = gate<Verdict>()
    const first = engine.perform(arrival('a'), rules, () => handler.passed)
    await settle()
    const duplicate = engine.perform(arrival('a'), rules, unreachable)
    await clock.advance(1_000)
    handler.open(keep('late'))
    await first
    await clock.advance(100)
    expect(bodyOf(await duplicate)).toBe('late')
  })

  test('a watch that breaks is as good as none', async () => {
    const broken = (store: Store<MemoryTx>): Store<MemoryTx> =>
      wrap(store, { watch: () => Promise.reject(new Error('cut')) })
    const { engine, store, clock } = bench({ store: broken })
    const rules = policy(store, waiting)
    void engine.perform(arrival('a'), rules, () => new Promise<Verdict>(() => undefined))
    await settle()
    const duplicate = engine.perform(arrival('a'), rules, unreachable)
    await clock.advance(10_000)
    expect((await duplicate).kind).toBe('in-progress')
  })

  test('more than may wait are told at once', async () => {
    const { engine, store, clock } = bench({ limits: { waiting: { perOperation: 2, perProcess: 3 } } })
    const rules = policy(store, waiting)
    const never = (): Promise<Verdict> => new Promise(() => undefined)
    void engine.perform(arrival('a'), rules, never)
    void engine.perform(arrival('b'), rules, never)
    await settle()
    const answered: string[] = []
    const wait = (key: string): void => {
      void engine.perform(arrival(key), rules, unreachable).then(() => answered.push(key))
    }
    for (const key of ['a', 'a', 'a', 'b', 'b']) wait(key)
    await settle()
    expect(answered).toEqual(['a', 'b'])
    await clock.advance(10_000)
    expect(answered).toHaveLength(5)
    wait('a')
    await settle()
    expect(answered, 'places are given back').toHaveLength(5)
  })

  test('whoever has waited leaves no timer behind', async () => {
    const { engine, store, clock } = bench()
    const rules = policy(store, waiting)
    const handler = gate<Verdict>()
    const first = engine.perform(arrival('a'), rules, () => handler.passed)
    await settle()
    const duplicates = [1, 2, 3].map(() => engine.perform(arrival('a'), rules, unreachable))
    await settle()
    handler.open(keep())
    await Promise.all([first, ...duplicates])
    expect(clock.timers).toBe(0)
  })

  test('a mismatch does not wait', async () => {
    const { engine, store } = bench()
    const rules = policy(store, waiting)
    void engine.perform(arrival('a'), rules, () => new Promise<Verdict>(() => undefined))
    await settle()
    expect((await engine.perform(arrival('a', { fingerprint: 'v1:other' }), rules, unreachable)).kind).toBe('mismatch')
  })
})

describe('guarded', () => {
  test('a throw after the first line is unknown, and is told so until it is decided', async () => {
    const { engine, store } = bench()
    const error = new Error('after the call')
    const first = await engine.perform(arrival('a'), policy(store), () => Promise.reject(error))
    expect(first).toMatchObject({ kind: 'unknown', error, record: { reason: 'handler-failed' } })
    expect(await engine.perform(arrival('a'), policy(store), unreachable)).toMatchObject({
      kind: 'unknown',
      error: undefined,
    })
  })

  test('before a named commit point a throw is released, after it unknown', async () => {
    const { engine, store } = bench()
    const rules = policy(store, { commitPoint: 'named' })
    const error = new Error('no')
    expect(await engine.perform(arrival('before'), rules, () => Promise.reject(error))).toEqual({
      kind: 'released',
      error,
      threw: true,
    })
    const after = await engine.perform(arrival('after'), rules, async (attempt) => {
      await attempt.commitPoint()
      throw error
    })
    expect(after).toMatchObject({ kind: 'unknown', error })
  })

  test('a failure without a throw is judged the same', async () => {
    const { engine, store } = bench()
    const rules = policy(store, { commitPoint: 'named' })
    expect(await engine.perform(arrival('a'), rules, () => ({ kind: 'fail' }))).toEqual({
      kind: 'released',
      error: undefined,
      threw: false,
    })
    expect((await engine.perform(arrival('b'), policy(store), () => ({ kind: 'fail' }))).kind).toBe('unknown')
  })

  test('a commit point that cannot be written is released, if the handler ends with its error', async () => {
    const away = new Error('away')
    const failing = (store: Store<MemoryTx>): Store<MemoryTx> =>
      wrap(store, { beginEffect: () => Promise.reject(away) })
    const { engine, store, clock } = bench({ store: failing })
    const rules = policy(store, { commitPoint: 'named' })
    const performing = engine.perform(arrival('a'), rules, async (attempt) => {
      await attempt.commitPoint()
      return expect.unreachable('nothing may be called')
    })
    await clock.advance(1_000)
    expect(await performing).toEqual({ kind: 'released', error: away, threw: true })
  })

  test('a handler that ignores a commit point that cannot be written is past it', async () => {
    const failing = (store: Store<MemoryTx>): Store<MemoryTx> =>
      wrap(store, { beginEffect: () => Promise.reject(new Error('away')) })
    const { engine, store, clock } = bench({ store: failing })
    const performing = engine.perform(arrival('a'), policy(store, { commitPoint: 'named' }), async (attempt) => {
      await attempt.commitPoint().catch(() => undefined)
      throw new Error('something else')
    })
    await clock.advance(1_000)
    expect((await performing).kind).toBe('unknown')
  })
})

describe('resumable', () => {
  test('a throw is released, and the next attempt runs again', async () => {
    const { engine, store } = bench()
    const rules = policy(store, { guarantee: 'resumable' })
    const error = new Error('halfway')
    expect(await engine.perform(arrival('a'), rules, () => Promise.reject(error))).toEqual({
      kind: 'released',
      error,
      threw: true,
    })
    expect((await engine.perform(arrival('a'), rules, () => keep())).kind).toBe('executed')
  })
})

describe('transactional', () => {
  const transactional = { guarantee: 'transactional' } as const

  test('effect and outcome stand together', async () => {
    const { engine, store, data } = bench()
    await engine.perform(arrival('a'), policy(store, transactional), ({ tx }) => {
      tx.set('order', 'placed')
      return keep()
    })
    expect(data.get('order')).toBe('placed')
  })

  test('a refusal is kept, and its effect undone', async () => {
    const { engine, store, data } = bench()
    const rules = policy(store, transactional)
    const first = await engine.perform(arrival('a'), rules, ({ tx }) => {
      tx.set('order', 'placed')
      return refuse('no stock')
    })
    expect([first.kind, bodyOf(first), data.size]).toEqual(['executed', 'no stock', 0])
  })

  test.for([
    ['a throw', () => Promise.reject(new Error('no'))],
    ['a failure', () => ({ kind: 'fail' }) as const],
    ['a release', () => ({ kind: 'release' }) as const],
  ] as const)('%s undoes the effect and frees the key', async ([, end]) => {
    const { engine, store, data } = bench()
    const rules = policy(store, transactional)
    const first = await engine.perform(arrival('a'), rules, ({ tx }) => {
      tx.set('order', 'placed')
      return end()
    })
    expect([first.kind, data.size]).toEqual(['released', 0])
    expect((await engine.perform(arrival('a'), rules, () => keep())).kind).toBe('executed')
  })

  test('a conflict is unavailable without effect, and the next attempt runs', async () => {
    const { engine, store, data } = bench()
    const rules = policy(store, transactional)
    const first = await engine.perform(arrival('a'), rules, ({ tx }) => {
      tx.get('stock')
      data.set('stock', 5)
      return keep()
    })
    expect(first).toMatchObject({ kind: 'unavailable', effect: 'none', error: { code: 'transaction-conflict' } })
    expect((await engine.perform(arrival('a'), rules, () => keep())).kind).toBe('executed')
  })

  test('an overdue handler is told by its signal, and its effect does not stand', async () => {
    const { engine, store, clock, data } = bench()
    const rules = policy(store, transactional)
    let signal: AbortSignal | undefined
    const performing = engine.perform(arrival('a'), rules, (attempt) => {
      signal = attempt.signal
      attempt.tx.set('order', 'placed')
      return new Promise<Verdict>((resolve) => attempt.signal.addEventListener('abort', () => resolve(keep())))
    })
    await clock.advance(leaseMs)
    expect(signal?.reason).toMatchObject({ code: 'attempt-overdue' })
    expect(await performing).toMatchObject({ kind: 'unavailable', effect: 'none', error: { code: 'attempt-overdue' } })
    expect(data.size).toBe(0)
  })

  test('the store of another guarantee gives no tx', async () => {
    const { engine, store } = bench()
    const conclusion = await engine.perform(arrival('a'), policy(store, { commitPoint: 'named' }), ({ tx }) =>
      keep(String(tx.get('anything'))),
    )
    expect(conclusion).toMatchObject({ kind: 'released', error: { code: 'transaction-missing' } })
  })

  test('a commit whose acknowledgement was lost is looked up, and is what it says', async () => {
    const { engine, store, data } = bench({ store: losingCommits('after') })
    const first = await engine.perform(arrival('a'), policy(store, transactional), ({ tx }) => {
      tx.set('order', 'placed')
      return keep('committed')
    })
    expect([first.kind, bodyOf(first), data.get('order')]).toEqual(['executed', 'committed', 'placed'])
  })

  test('a commit that nobody can vouch for is unavailable with unknown effect', async () => {
    const { engine, store } = bench({ store: losingCommits('before') })
    const first = await engine.perform(arrival('a'), policy(store, transactional), () => keep())
    expect(first).toMatchObject({ kind: 'unavailable', effect: 'unknown' })
  })
})

describe('a store that fails', () => {
  test.for(guarantees)('before the handler: unavailable, and nothing ran (%s)', async (guarantee) => {
    const away = (): Promise<never> => Promise.reject(new Error('away'))
    const { engine, store } = bench({ store: (inner) => wrap(inner, { claim: away, begin: away }) })
    const conclusion = await engine.perform(arrival('a'), policy(store, { guarantee }), unreachable)
    expect(conclusion).toMatchObject({ kind: 'unavailable', effect: 'none', error: { message: 'away' } })
  })

  test('a claim whose acknowledgement was lost is sent again, and recognises itself', async () => {
    const { engine, store } = bench({ store: losing('claim', 1) })
    const conclusion = await engine.perform(arrival('a'), policy(store), (attempt) => keep(`attempt ${attempt.number}`))
    expect(bodyOf(conclusion)).toBe('attempt 1')
  })

  test('a claim whose acknowledgements were all lost is given back', async () => {
    const { engine, store } = bench({ store: losing('claim', 2) })
    expect((await engine.perform(arrival('a'), policy(store), unreachable)).kind).toBe('unavailable')
    await settle()
    expect((await engine.perform(arrival('a'), policy(store), () => keep())).kind).toBe('executed')
  })

  test('a settlement whose acknowledgement was lost is sent again, and recognises itself', async () => {
    const { engine, store, clock } = bench({ store: losing('settle', 1) })
    let ran = 0
    const performing = engine.perform(arrival('a'), policy(store), () => keep(`run ${++ran}`))
    await clock.advance(1_000)
    const first = await performing
    expect([first.kind, bodyOf(first)]).toEqual(['executed', 'run 1'])
  })

  test('an outcome is not told before it is settled; when it was all the same, the next attempt replays it', async () => {
    const { engine, store, clock } = bench({ store: losing('settle', 4) })
    const performing = engine.perform(arrival('a'), policy(store), () => keep('the outcome'))
    await clock.advance(1_000)
    expect(await performing).toMatchObject({ kind: 'unavailable', effect: 'unknown' })
    const next = await engine.perform(arrival('a'), policy(store), unreachable)
    expect([next.kind, bodyOf(next)]).toEqual(['replayed', 'the outcome'])
  })

  test('a release that was not settled says that nothing happened', async () => {
    const { engine, store, clock } = bench({ store: losing('settle', 4) })
    const performing = engine.perform(arrival('a'), policy(store), () => ({ kind: 'release' }))
    await clock.advance(1_000)
    expect(await performing).toMatchObject({ kind: 'unavailable', effect: 'none' })
  })
})

describe('leases', () => {
  test('a long handler keeps its claim', async () => {
    const { engine, store, clock } = bench()
    const rules = policy(store)
    const handler = gate<Verdict>()
    const first = engine.perform(arrival('a'), rules, () => handler.passed)
    for (let leases = 0; leases < 5; leases++) {
      await clock.advance(leaseMs)
      expect((await engine.perform(arrival('a'), rules, unreachable)).kind).toBe('in-progress')
    }
    handler.open(keep())
    expect((await first).kind).toBe('executed')
    expect(clock.timers, 'no renewal goes on').toBe(0)
  })

  test('without renewal it would have lapsed', async () => {
    const forgetful = (inner: Store<MemoryTx>): Store<MemoryTx> =>
      wrap(inner, { renew: () => Promise.reject(new Error('away')) })
    const { engine, store, clock } = bench({ store: forgetful })
    const rules = policy(store)
    void engine.perform(arrival('a'), rules, () => new Promise<Verdict>(() => undefined))
    await clock.advance(leaseMs)
    expect((await engine.perform(arrival('a'), rules, unreachable)).kind).toBe('unknown')
  })

  test('an attempt that was superseded is told by its signal, and its outcome does not stand', async () => {
    let away = true
    const unreliable = (inner: Store<MemoryTx>): Store<MemoryTx> =>
      wrap(inner, { renew: (claim, ms) => (away ? Promise.reject(new Error('away')) : inner.renew(claim, ms)) })
    const { engine, store, clock } = bench({ store: unreliable })
    const rules = policy(store, { guarantee: 'resumable' })
    const handler = gate<Verdict>()
    let signal: AbortSignal | undefined
    const first = engine.perform(arrival('a'), rules, (attempt) => {
      signal = attempt.signal
      return handler.passed
    })
    await clock.advance(leaseMs)
    expect(bodyOf(await engine.perform(arrival('a'), rules, () => keep('by the second')))).toBe('by the second')
    expect(signal?.aborted).toBe(false)
    away = false
    await clock.advance(leaseMs)
    expect(signal?.reason).toMatchObject({ code: 'attempt-superseded' })
    handler.open(keep('by the first'))
    const conclusion = await first
    expect([conclusion.kind, bodyOf(conclusion)]).toEqual(['replayed', 'by the second'])
  })

  test('an attempt whose lease lapsed into unknown is not told to stop, and completes late', async () => {
    let away = true
    const unreliable = (inner: Store<MemoryTx>): Store<MemoryTx> =>
      wrap(inner, { renew: (claim, ms) => (away ? Promise.reject(new Error('away')) : inner.renew(claim, ms)) })
    const { engine, store, clock } = bench({ store: unreliable })
    const rules = policy(store)
    const handler = gate<Verdict>()
    let signal: AbortSignal | undefined
    const first = engine.perform(arrival('a'), rules, (attempt) => {
      signal = attempt.signal
      return handler.passed
    })
    await clock.advance(leaseMs)
    expect((await engine.perform(arrival('a'), rules, unreachable)).kind).toBe('unknown')
    away = false
    await clock.advance(leaseMs)
    expect(signal?.aborted).toBe(false)
    handler.open(keep('late'))
    expect(bodyOf(await first)).toBe('late')
    expect(bodyOf(await engine.perform(arrival('a'), rules, unreachable))).toBe('late')
  })

  test('a commit point is refused to an attempt that was superseded', async () => {
    const forgetful = (inner: Store<MemoryTx>): Store<MemoryTx> =>
      wrap(inner, { renew: () => Promise.reject(new Error('away')) })
    const { engine, store, clock } = bench({ store: forgetful })
    const rules = policy(store, { commitPoint: 'named' })
    const started = gate()
    const first = engine.perform(arrival('a'), rules, async (attempt) => {
      await started.passed
      await attempt.commitPoint()
      return expect.unreachable('nothing may be called')
    })
    await clock.advance(leaseMs)
    await engine.perform(arrival('a'), rules, () => keep('by the second'))
    started.open()
    const conclusion = await first
    expect([conclusion.kind, bodyOf(conclusion)]).toEqual(['replayed', 'by the second'])
  })
})

describe('the replay cache', () => {
  /** Counts the round trips of claims. */
  function counted(limits: Partial<EngineLimits> = { replayCacheBytes: 100_000 }) {
    let claims = 0
    const made = bench({
      limits,
      store: (inner) =>
        wrap(inner, {
          claim: (operation, terms) => {
            claims++
            return inner.claim(operation, terms)
          },
        }),
    })
    return { ...made, claims: () => claims }
  }

  test('replays what this process executed without asking the store', async () => {
    const { engine, store, claims } = counted()
    await engine.perform(arrival('a'), policy(store), () => keep('one'))
    const replay = await engine.perform(arrival('a'), policy(store), unreachable)
    expect([replay.kind, bodyOf(replay), claims()]).toEqual(['replayed', 'one', 1])
  })

  test('asks the store again after a minute, however often it has replayed', async () => {
    const { engine, store, clock, claims } = counted()
    await engine.perform(arrival('a'), policy(store), () => keep())
    for (let seconds = 0; seconds < 60; seconds += 10) {
      await engine.perform(arrival('a'), policy(store), unreachable)
      await clock.advance(10_000)
    }
    expect(claims()).toBe(1)
    await engine.perform(arrival('a'), policy(store), unreachable)
    expect(claims()).toBe(2)
    await engine.perform(arrival('a'), policy(store), unreachable)
    expect(claims(), 'what the store has said is kept again').toBe(2)
  })

  test('never outlives retention', async () => {
    const { engine, store, clock } = counted()
    await engine.perform(arrival('a'), policy(store), (attempt) => {
      attempt.retainFor('5s')
      return keep()
    })
    await clock.advance(5_000)
    expect((await engine.perform(arrival('a'), policy(store), unreachable)).kind).toBe('expired')
  })

  test('is bounded', async () => {
    const { engine, store, claims } = counted({ replayCacheBytes: 10_000 })
    for (let n = 0; n < 100; n++) await engine.perform(arrival(`key ${n}`), policy(store), () => keep())
    await engine.perform(arrival('key 99'), policy(store), unreachable)
    expect(claims()).toBe(100)
    await engine.perform(arrival('key 0'), policy(store), unreachable)
    expect(claims()).toBe(101)
  })

  test('forgets what was erased', async () => {
    const { engine, store } = counted()
    await engine.perform(arrival('a'), policy(store), () => keep())
    await store.erase(arrival('a').id)
    engine.forget(arrival('a').id)
    expect((await engine.perform(arrival('a'), policy(store), unreachable)).kind).toBe('expired')
  })
})

/** The store with some of its steps replaced. */
function wrap(
  store: Store<MemoryTx>,
  replaced: { [K in keyof Store<MemoryTx>]?: Store<MemoryTx>[K] | undefined },
): Store<MemoryTx> {
  return new Proxy(store, {
    get: (target, name) => {
      if (name in replaced) return replaced[name as keyof Store<MemoryTx>]
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** Applies a step and loses its acknowledgement, the first few times. */
function losing(step: 'claim' | 'settle', times: number): (store: Store<MemoryTx>) => Store<MemoryTx> {
  let lost = 0
  return (store) =>
    wrap(store, {
      [step]: async (...given: [never, never]) => {
        const result = await store[step](...given)
        if (lost++ < times) throw new Error('the acknowledgement was lost')
        return result
      },
    })
}

/** Loses every commit: its acknowledgement, or (`before`) the commit itself and with it whatever the store can say. */
function losingCommits(when: 'before' | 'after'): (store: Store<MemoryTx>) => Store<MemoryTx> {
  return (store) =>
    wrap(store, {
      begin: async (operation, terms, lost) => {
        const begun = await store.begin?.(operation, terms, lost)
        assert.ok(begun?.kind === 'granted')
        const { transaction } = begun
        return {
          kind: 'granted',
          transaction: {
            tx: transaction.tx,
            fence: transaction.fence,
            number: transaction.number,
            end: async (ending) => {
              if (when === 'after') await transaction.end(ending)
              throw new Error('the connection was cut')
            },
          },
        }
      },
    })
}
