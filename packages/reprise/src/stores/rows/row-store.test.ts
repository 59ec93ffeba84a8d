// Rows in memory that are as awkward as a server may be: late, out of order, blind to what others have just written, and
// now and then refusing a whole batch.
import { storeConformance } from '@reprise/testkit'
import { describe, expect, test } from 'vitest'
import type { Clock } from '../../engine/clock.ts'
import { systemClock } from '../../engine/clock.ts'
import type { OperationRecord } from '../../engine/record.ts'
import type { Store } from '../../engine/store.ts'
import * as transitions from '../../engine/transitions.ts'
import { Watchers } from '../../engine/watchers.ts'
import { fenceFloor, rowStore } from './row-store.ts'
import type { Change, Exchanged, Rows, Written } from './rows.ts'
import { Steps } from './steps.ts'
import { givenTime, serverTime } from './store-time.ts'

type Stored = Written & { readonly id: string; readonly position: number }

class AwkwardRows implements Rows {
  readonly stored = new Map<string, Stored>()
  exchanges = 0
  changes = 0
  /** Throws of the next exchanges, before or after what they were asked to do. */
  readonly failures: ('before' | 'after')[] = []
  #positions = 0

  readonly divides = (error: unknown): boolean => error instanceof RangeError

  async exchange(changes: readonly Change[]): Promise<readonly Exchanged[]> {
    this.exchanges++
    this.changes += changes.length
    if (new Set(changes.map(({ id }) => id)).size !== changes.length) throw new Error('An id occurs twice.')
    // Of many at once one is refused, and with it all.
    if (changes.length > 1 && this.exchanges % 3 === 0) throw new RangeError('one of them is too long')
    const failure = this.failures.shift()
    if (failure === 'before') throw new Error('connection lost')
    const seen = new Map(this.stored)
    await new Promise((resolve) => setImmediate(resolve))
    const results = changes.map((change): Exchanged => {
      const now = this.stored.get(change.id)
      if (change.to === undefined || now?.record !== change.from) {
        const before = seen.get(change.id)
        return { kind: 'found', row: before === undefined ? undefined : { ...before } }
      }
      if (change.to === null) this.stored.delete(change.id)
      else {
        const body = change.to.body === null ? null : Uint8Array.from(change.to.body)
        this.stored.set(change.id, {
          ...change.to,
          body,
          id: change.id,
          position: now?.position ?? ++this.#positions,
        })
      }
      return { kind: 'done' }
    })
    if (failure === 'after') throw new Error('connection lost')
    return results
  }

  async due(nowMs: number, limit: number): Promise<readonly Stored[]> {
    return [...this.stored.values()].filter(({ dueAtMs = Infinity }) => dueAtMs <= nowMs).slice(0, limit)
  }

  async page({ states, name, limit, cursor = '0' }: Parameters<Rows['page']>[0]) {
    const rows = [...this.stored.values()]
      .filter(({ position }) => position > Number(cursor))
      .filter((row) => (states.length === 0 || states.includes(row.state)) && (name ?? row.name) === row.name)
      .slice(0, limit)
    return { rows, next: rows.length < limit ? undefined : String(rows.at(-1)?.position) }
  }
}

function storeOf(rows: Rows, clock: Clock, limits = { batch: 20, lanes: 3 }): Store<never> {
  const watchers = new Watchers()
  const time = givenTime(clock)
  return rowStore({
    name: 'awkward-rows',
    capabilities: { transactional: false, durable: true, survivesFailover: false, wakesWaiters: false },
    rows,
    time,
    steps: new Steps(rows, time, systemClock, limits, (id) => watchers.wake(id)),
    migrate: async () => undefined,
    prepare: async () => undefined,
    watch: (id, signal) => watchers.watch(id, signal),
    close: async () => undefined,
  })
}

describe.each([
  ['many at once', { batch: 20, lanes: 3 }],
  ['one by one', { batch: 1, lanes: 100 }],
])('a store over rows, %s', (_, limits) => {
  storeConformance<never>(
    test,
    async ({ clock }) => {
      const rows = new AwkwardRows()
      const store = storeOf(rows, clock, limits)
      return { store, reopen: async () => storeOf(rows, clock, limits), dispose: () => store.close() }
    },
    { exempt: [{ name: 'transactional', reason: 'rows alone have no transactions' }] },
  )
})

const operation = { id: 'a'.repeat(43), name: 'order.create', fingerprint: 'v1' }
const terms = { attemptId: 'one', guarantee: 'guarded' as const, leaseMs: 1000, begun: false }
const ending = {
  kind: 'completed' as const,
  outcome: { status: 201, headers: [], body: null },
  retentionMs: 1000,
  tombstoneMs: 1000,
}

test('a claim and its settlement are one exchange each', async () => {
  const rows = new AwkwardRows()
  const store = storeOf(rows, systemClock)
  const { record } = await store.claim(operation, terms)
  expect(rows.exchanges).toBe(1)
  await store.settle({ id: operation.id, attemptId: 'one', fence: record.fence }, ending)
  expect(rows.exchanges).toBe(2)
})

test('what was claimed elsewhere is settled in two', async () => {
  const rows = new AwkwardRows()
  const { record } = await storeOf(rows, systemClock).claim(operation, terms)
  rows.exchanges = 0
  const claim = { id: operation.id, attemptId: 'one', fence: record.fence }
  expect((await storeOf(rows, systemClock).settle(claim, ending)).kind).toBe('written')
  expect(rows.exchanges).toBe(2)
})

test('any number of steps of one record travel as one change', async () => {
  const rows = new AwkwardRows()
  const store = storeOf(rows, systemClock)
  const results = await Promise.all(
    Array.from({ length: 200 }, (_, n) => store.claim(operation, { ...terms, attemptId: `attempt ${n}` })),
  )
  expect(results.filter(({ kind }) => kind === 'granted')).toHaveLength(1)
  expect(rows.changes).toBe(1)
})

test.each(['before', 'after'] as const)('a step that failed %s it was made can be sent again', async (when) => {
  const rows = new AwkwardRows()
  const store = storeOf(rows, systemClock)
  rows.failures.push(when)
  await expect(store.claim(operation, terms)).rejects.toMatchObject({ code: 'store-unavailable' })
  const { kind, record } = await store.claim(operation, terms)
  expect([kind, record.attempts]).toEqual(['granted', 1])
  rows.failures.push(when)
  const claim = { id: operation.id, attemptId: 'one', fence: record.fence }
  await expect(store.settle(claim, ending)).rejects.toMatchObject({ code: 'store-unavailable' })
  expect((await store.settle(claim, ending)).kind).toBe(when === 'before' ? 'written' : 'already-written')
})

test('a record that changes all the time is given up, and said so', async () => {
  const rows: Rows = {
    exchange: async (changes) => changes.map(() => ({ kind: 'found', row: undefined })),
    due: async () => [],
    page: async () => ({ rows: [], next: undefined }),
  }
  await expect(storeOf(rows, systemClock).claim(operation, terms)).rejects.toMatchObject({ code: 'store-unavailable' })
})

test('fences of a later life are above those of the lives before', () => {
  let record: OperationRecord | undefined
  const nowMs = Date.UTC(2030, 0, 1)
  for (let n = 0; n < 500; n++) {
    const claimed = transitions.claim(record, operation, { ...terms, attemptId: `${n}` }, nowMs, fenceFloor(nowMs))
    if (claimed.kind !== 'granted') throw new Error('It was free.')
    const by = { id: operation.id, attemptId: `${n}`, fence: claimed.record.fence }
    const released = { kind: 'released' as const, proof: 'not-applied' as const, retentionMs: 0, tombstoneMs: 1 }
    record = transitions.settle(claimed.record, by, released, nowMs).record
  }
  const later = transitions.claim(undefined, operation, terms, nowMs + 1, fenceFloor(nowMs + 1))
  expect(later.record.fence).toBeGreaterThan(record?.fence ?? Number.POSITIVE_INFINITY)
  expect(Number.isSafeInteger(fenceFloor(Date.UTC(2200, 0, 1)))).toBe(true)
})

test("the server's time is carried on between its answers, and never runs ahead of it", () => {
  let monotonicMs = 50
  const time = serverTime({ ...systemClock, now: () => 0, monotonic: () => monotonicMs })
  time.heard(1_000_000)
  monotonicMs += 10
  expect(time.now()).toBe(1_000_010)
  // This answer took 30 ms longer than the one before: it says nothing new.
  time.heard(999_980)
  expect(time.now()).toBe(1_000_010)
  // This one came faster.
  time.heard(1_000_015)
  expect(time.now()).toBe(1_000_015)
  // Another server, an hour behind.
  time.heard(1_000_015 - 3_600_000)
  expect(time.now()).toBe(1_000_015 - 3_600_000)
})
