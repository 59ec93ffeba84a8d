// What is peculiar to the memory store: its bounds, its options, what it keeps running. The rest is in the
// conformance suite.
import assert from 'node:assert/strict'
import { TestClock } from '@reprise/testkit'
import { describe, expect, test } from 'vitest'
import type { Transaction } from '../engine/store.ts'
import type { Ending, Operation, Terms } from '../engine/transitions.ts'
import { type MemoryOptions, type MemoryStore, type MemoryTx, memory } from './memory.ts'

const horizons = { retentionMs: 1000, tombstoneMs: 1000 }
const operation = (n: number | string): Operation => ({ id: `id ${n}`, name: 'order.create', fingerprint: 'v1:f' })
const terms = (n: number | string, chosen: Partial<Terms> = {}): Terms => {
  return { attemptId: `attempt ${n}`, guarantee: 'guarded', leaseMs: 60_000, begun: false, ...chosen }
}
const completed = (body = ''): Ending => {
  return { kind: 'completed', outcome: { status: 200, headers: [], body: Buffer.from(body) }, ...horizons }
}
const nobody = (): void => expect.unreachable('no transaction was given up')

/** Opens a transaction of an operation that is free. */
async function begin(store: MemoryStore, n: number, lost: () => unknown = nobody): Promise<Transaction<MemoryTx>> {
  const begun = await store.begin(operation(n), terms(n), () => void lost())
  assert.ok(begun.kind === 'granted')
  return begun.transaction
}

async function settle(store: MemoryStore, n: number, ending = completed()): Promise<void> {
  const { record } = await store.claim(operation(n), terms(n))
  await store.settle({ id: record.id, attemptId: record.attemptId, fence: record.fence }, ending)
}

function storeAt(clock: TestClock, options: MemoryOptions = {}): MemoryStore {
  return memory({ clock, ...options })
}

describe('bounds', () => {
  test('a full store refuses new operations, and nothing else', async () => {
    const store = storeAt(new TestClock(), { maxRecords: 2 })
    const { record } = await store.claim(operation(1), terms(1))
    await settle(store, 2)
    await expect(store.claim(operation(3), terms(3))).rejects.toMatchObject({ code: 'store-full' })
    await expect(store.begin(operation(3), terms(3), nobody)).rejects.toMatchObject({ code: 'store-full' })
    expect((await store.claim(operation(2), terms(4))).record.state).toBe('completed')
    expect((await store.claim(operation(1), terms(4))).record.state).toBe('running')
    const claim = { id: record.id, attemptId: record.attemptId, fence: record.fence }
    expect((await store.settle(claim, completed())).kind).toBe('written')
    expect(await store.find('id 3')).toBeUndefined()
  })

  test('a full store makes room of what is due', async () => {
    const clock = new TestClock()
    const store = storeAt(clock, { maxRecords: 3 })
    for (const n of [1, 2, 3]) await settle(store, n)
    await clock.advance(1999)
    await expect(store.claim(operation(4), terms(4))).rejects.toMatchObject({ code: 'store-full' })
    await clock.advance(1)
    expect((await store.claim(operation(4), terms(4))).kind).toBe('granted')
    expect(store.usage().records).toBe(3)
  })

  test('a full store never makes room of what is unfinished', async () => {
    const clock = new TestClock()
    const store = storeAt(clock, { maxRecords: 2 })
    await store.claim(operation(1), terms(1, { begun: true }))
    await settle(store, 2, { kind: 'unknown', reason: 'handler-failed' })
    await clock.advance(10 * 365 * 86_400_000)
    await expect(store.claim(operation(3), terms(3))).rejects.toMatchObject({ code: 'store-full' })
    expect(await store.find('id 1')).toMatchObject({ state: 'running' })
    expect(await store.find('id 2')).toMatchObject({ state: 'unknown' })
  })

  test('a released operation that is claimed again needs no room', async () => {
    const store = storeAt(new TestClock(), { maxRecords: 1 })
    await settle(store, 1, { kind: 'released', proof: 'not-begun', ...horizons })
    expect((await store.claim(operation(1), terms(2))).kind).toBe('granted')
  })

  test('transactions under way count', async () => {
    const store = storeAt(new TestClock(), { maxRecords: 2 })
    await store.begin(operation(1), terms(1), nobody)
    await store.begin(operation(2), terms(2), nobody)
    await expect(store.begin(operation(3), terms(3), nobody)).rejects.toMatchObject({ code: 'store-full' })
  })

  test('outcomes are weighed, and retiring them makes room', async () => {
    const clock = new TestClock()
    const store = storeAt(clock, { maxBytes: 100_000 })
    await settle(store, 1, completed('x'.repeat(60_000)))
    await settle(store, 2, completed('x'.repeat(60_000)))
    expect(store.usage().bytes).toBeGreaterThan(120_000)
    await expect(store.claim(operation(3), terms(3))).rejects.toMatchObject({ code: 'store-full' })
    await clock.advance(1000)
    expect((await store.claim(operation(3), terms(3))).kind).toBe('granted')
    expect(await store.find('id 1')).toMatchObject({ state: 'expired' })
    expect(store.usage().bytes).toBeLessThan(100_000)
  })

  test('an empty store weighs nothing again', async () => {
    const clock = new TestClock()
    const store = storeAt(clock)
    for (let n = 0; n < 50; n++)
      await settle(store, n, n % 2 === 0 ? completed('body') : { kind: 'released', proof: 'not-begun', ...horizons })
    await clock.advance(2000)
    await store.sweep(1000)
    expect(store.usage()).toEqual({ records: 0, bytes: 0 })
  })
})

describe('options', () => {
  test('an unknown option is refused with the nearest name', () => {
    expect(() => memory({ maxrecords: 5 } as MemoryOptions)).toThrow(/maxRecords/)
  })

  test.for([0, -1, 1.5, Number.NaN, '5'])('a limit of %s is refused', (maxRecords) => {
    expect(() => memory({ maxRecords } as MemoryOptions)).toThrow(expect.objectContaining({ code: 'option-invalid' }))
  })

  test('a page of a list has from 1 to 1,000 records', async () => {
    const store = memory()
    for (const limit of [0, 1001]) await expect(store.list({ limit })).rejects.toMatchObject({ code: 'option-invalid' })
  })
})

describe('transactions', () => {
  test('a thousand transactions set one timer', async () => {
    const clock = new TestClock()
    const store = storeAt(clock)
    for (let n = 0; n < 1000; n++) {
      const transaction = await begin(store, n)
      if (n % 2 === 0) await transaction.end({ kind: 'released', ...horizons })
    }
    expect(clock.timers).toBe(1)
  })

  test('a store at rest sets no timer again', async () => {
    const clock = new TestClock()
    const store = storeAt(clock)
    const transaction = await begin(store, 1)
    await transaction.end({ kind: 'released', ...horizons })
    await clock.advance(60_000)
    expect(clock.timers).toBe(0)
  })

  test('an earlier lease than all before moves the timer forward', async () => {
    const clock = new TestClock()
    const store = storeAt(clock)
    const lost: string[] = []
    await store.begin(operation(1), terms(1, { leaseMs: 50_000 }), () => lost.push('long'))
    await store.begin(operation(2), terms(2, { leaseMs: 1_000 }), () => lost.push('short'))
    await clock.advance(1_000)
    expect(lost).toEqual(['short'])
    await clock.advance(49_000)
    expect(lost).toEqual(['short', 'long'])
  })

  test('an overdue transaction gives way even before its timer has fired', async () => {
    const clock = new TestClock()
    const store = storeAt(clock)
    let lost = 0
    const first = await begin(store, 1, () => lost++)
    clock.setWall(clock.now() + 60_000)
    expect((await store.begin(operation(1), terms(2), nobody)).kind).toBe('granted')
    expect(lost).toBe(1)
    expect(await first.end({ kind: 'released', ...horizons })).toEqual({
      kind: 'rolled-back',
      why: 'overdue',
    })
  })

  test('an overdue transaction ends so even before its timer has fired', async () => {
    const clock = new TestClock()
    const store = storeAt(clock)
    const transaction = await begin(store, 1, () => undefined)
    clock.setWall(clock.now() + 60_000)
    expect(await transaction.end({ kind: 'released', ...horizons })).toEqual({
      kind: 'rolled-back',
      why: 'overdue',
    })
    expect(await store.find('id 1')).toBeUndefined()
  })

  test('a claim finds a transaction in flight', async () => {
    const store = storeAt(new TestClock())
    await store.begin(operation(1), terms(1), nobody)
    const found = await store.claim(operation(1), terms(2))
    expect(found).toMatchObject({ kind: 'found', record: { state: 'running', attemptId: 'attempt 1' } })
  })

  test('a second end is refused', async () => {
    const store = storeAt(new TestClock())
    const transaction = await begin(store, 1)
    await transaction.end({ kind: 'released', ...horizons })
    await expect(transaction.end({ kind: 'released', ...horizons })).rejects.toMatchObject({
      code: 'transaction-ended',
    })
  })

  test('a refusal that rests on what another has changed since is a conflict', async () => {
    const store = storeAt(new TestClock())
    const transaction = await begin(store, 1)
    transaction.tx.get('stock')
    store.data.set('stock', 5)
    const refusal = { kind: 'completed', effect: 'undone', outcome: { status: 409, headers: [], body: null } } as const
    expect(await transaction.end({ ...refusal, ...horizons })).toEqual({ kind: 'rolled-back', why: 'conflict' })
    expect(await store.find('id 1')).toBeUndefined()
  })

  test('close waits for transactions, and lets them commit', async () => {
    const store = storeAt(new TestClock())
    const transaction = await begin(store, 1)
    let closed = false
    const closing = store.close().then(() => {
      closed = true
    })
    await new Promise<void>((resolve) => setImmediate(resolve))
    expect(closed).toBe(false)
    transaction.tx.set('order', 'placed')
    const outcome = { status: 200, headers: [], body: null }
    expect((await transaction.end({ kind: 'completed', effect: 'kept', outcome, ...horizons })).kind).toBe('committed')
    await closing
    expect(store.data.get('order')).toBe('placed')
  })

  test('close ends watches', async () => {
    const store = storeAt(new TestClock())
    const watching = store.watch('id 1', new AbortController().signal)
    await store.close()
    await watching
  })
})
