/** Sweeping: bounded, never early, never an unfinished record; and fences that grow over everything it forgets. */

import assert from 'node:assert/strict'
import type { Store } from 'reprise/engine'
import type { Check, Theme } from '../subject.ts'
import { anOperation, completed, granted, horizons, notApplied, otherwise, settled, terms, unknown } from './given.ts'
import { found, unchanged } from './records.ts'

const forgetMs = horizons.retentionMs + horizons.tombstoneMs

async function settleMany(store: Store, count: number): Promise<ReturnType<typeof anOperation>[]> {
  const operations = Array.from({ length: count }, () => anOperation())
  await Promise.all(operations.map((operation) => settled(store, operation)))
  return operations
}

const batches: Record<string, Check> = {
  'a sweep retires at most as many as it is told': async ({ store, clock }) => {
    await settleMany(store, 25)
    await clock.advance(horizons.retentionMs)
    assert.deepEqual(await store.sweep(10), { expired: 10, forgotten: 0 })
    assert.deepEqual(await store.sweep(10), { expired: 10, forgotten: 0 })
    assert.deepEqual(await store.sweep(10), { expired: 5, forgotten: 0 })
    assert.deepEqual(await store.sweep(10), { expired: 0, forgotten: 0 })
  },

  'a sweep forgets at most as many as it is told': async ({ store, clock }) => {
    await settleMany(store, 25)
    await clock.advance(horizons.retentionMs)
    await store.sweep(100)
    await clock.advance(horizons.tombstoneMs)
    assert.deepEqual(await store.sweep(10), { expired: 0, forgotten: 10 })
    assert.deepEqual(await store.sweep(100), { expired: 0, forgotten: 15 })
    assert.deepEqual(await store.list({}), { items: [], next: undefined })
  },

  'a sweep that comes late ends with nothing left': async ({ store, clock }) => {
    await settleMany(store, 25)
    await settled(store, anOperation(), notApplied)
    await clock.advance(forgetMs)
    let forgotten = 0
    for (let rounds = 0; rounds < 100; rounds++) {
      const swept = await store.sweep(7)
      assert.ok(swept.expired + swept.forgotten <= 7)
      if (swept.expired + swept.forgotten === 0) break
      forgotten += swept.forgotten
    }
    assert.equal(forgotten, 26)
  },

  'a sweep takes only what is due': async ({ store, clock }) => {
    const [old] = await settleMany(store, 1)
    await settled(store, anOperation(), notApplied)
    await clock.advance(horizons.retentionMs - 1)
    const [young] = await settleMany(store, 1)
    assert.deepEqual(await store.sweep(100), { expired: 0, forgotten: 0 })
    await clock.advance(1)
    assert.deepEqual(await store.sweep(100), { expired: 1, forgotten: 0 })
    await found(store, old?.id ?? '', 'expired')
    await found(store, young?.id ?? '', 'completed')
    await clock.advance(horizons.tombstoneMs - 1)
    assert.deepEqual(await store.sweep(100), { expired: 1, forgotten: 0 })
    await clock.advance(1)
    assert.deepEqual(await store.sweep(100), { expired: 0, forgotten: 2 })
  },

  'a sweep never touches an unfinished record': async ({ store, clock }) => {
    const [running, failed] = [anOperation(), anOperation()]
    const { claim } = await granted(store, running)
    await unknown(store, failed)
    await settleMany(store, 25)
    await clock.advance(forgetMs)
    for (let rounds = 0; rounds < 10; rounds++) await store.sweep(10)
    await found(store, running.id, 'running')
    await found(store, failed.id, 'unknown')
    assert.equal((await store.settle(claim, completed())).kind, 'written')
  },

  '25 expired records are in nobody’s way': async ({ store, clock }) => {
    const old = await settleMany(store, 25)
    await clock.advance(horizons.retentionMs)
    for (const operation of old) {
      const result = await store.claim(operation, terms())
      assert.deepEqual([result.kind, result.record.state], ['found', 'expired'])
    }
    await settleMany(store, 25)
    await clock.advance(horizons.tombstoneMs)
    for (const operation of old) await granted(store, otherwise(operation))
  },

  'a record that was claimed again is no longer due': async ({ store, clock }) => {
    const operation = anOperation()
    await settled(store, operation, notApplied)
    await clock.advance(forgetMs - 1)
    const { claim } = await granted(store, operation)
    await clock.advance(forgetMs)
    assert.deepEqual(await store.sweep(10), { expired: 0, forgotten: 0 })
    assert.equal((await store.settle(claim, completed())).kind, 'written')
  },

  'sweeps that run together sweep everything once': async ({ store, clock }) => {
    await settleMany(store, 25)
    await clock.advance(horizons.retentionMs)
    const swept = await Promise.all(Array.from({ length: 5 }, () => store.sweep(10)))
    swept.push(await store.sweep(100))
    assert.equal(
      swept.reduce((sum, { expired }) => sum + expired, 0),
      25,
    )
  },
}

const fences: Record<string, Check> = {
  'a fence grows over release, expiry, sweep and return': async ({ store, clock }) => {
    const operation = anOperation()
    let highest = 0
    async function next(ending = completed() as Parameters<typeof settled>[2]): Promise<void> {
      const { fence } = await settled(store, operation, ending)
      assert.ok(fence > highest, `${fence} after ${highest}`)
      highest = fence
    }
    await next(notApplied)
    await next(notApplied)
    await next()
    await clock.advance(forgetMs)
    await next(notApplied)
    await clock.advance(forgetMs)
    await store.sweep(10)
    await next()
    await clock.advance(horizons.retentionMs)
    await store.sweep(10)
    await clock.advance(horizons.tombstoneMs)
    await store.sweep(10)
    await next()
    await store.erase(operation.id)
    await clock.advance(forgetMs)
    await store.sweep(10)
    await next()
  },

  'a fence grows over a decision that was forgotten': async ({ store, clock }) => {
    const operation = anOperation()
    const { fence } = await unknown(store, operation)
    await store.resolve(operation.id, fence, completed())
    const decided = await found(store, operation.id, 'completed')
    await clock.advance(forgetMs)
    await store.sweep(10)
    assert.ok((await granted(store, operation)).record.fence > decided.fence)
  },

  'an attempt of a forgotten record changes nothing of its successor, not even under its fence': async ({
    store,
    clock,
  }) => {
    for (const swept of [true, false]) {
      const operation = anOperation()
      const old = await settled(store, operation, notApplied)
      await clock.advance(forgetMs)
      if (swept) await store.sweep(10)
      const { claim } = await granted(store, operation, terms({ begun: true }))
      for (const by of [old, { ...old, fence: claim.fence }]) {
        const result = await unchanged(store, operation.id, () => store.settle(by, completed('late')))
        assert.equal(result.kind, 'superseded')
      }
    }
  },
}

export const sweeping: Theme = { name: 'sweeping', needs: ['virtual time'], checks: { ...batches, ...fences } }
