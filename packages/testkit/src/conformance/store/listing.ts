/** Looking: one record by its id, or all of them page by page. */

import assert from 'node:assert/strict'
import type { ListOptions, OperationRecord, RecordState, Store } from 'reprise/engine'
import type { Check, Theme } from '../subject.ts'
import { anOperation, completed, granted, handlerFailed, horizons, notApplied, settled } from './given.ts'
import { assertSame } from './records.ts'

/** All pages of a list. */
async function listed(store: Store, options: ListOptions): Promise<OperationRecord[]> {
  const items: OperationRecord[] = []
  for (let cursor: string | undefined, pages = 0; ; pages++) {
    assert.ok(pages < 100, 'a list ends')
    const page = await store.list(cursor === undefined ? options : { ...options, cursor })
    assert.ok(page.items.length <= (options.limit ?? 100))
    items.push(...page.items)
    if (page.next === undefined) return items
    cursor = page.next
  }
}

/** Three operations of each state that needs no time, under two names. */
async function oneOfEach(store: Store): Promise<Map<string, RecordState>> {
  const states = new Map<string, RecordState>()
  for (const name of ['order.create', 'order.create', 'order.cancel']) {
    states.set((await granted(store, anOperation({ name }))).claim.id, 'running')
    states.set((await settled(store, anOperation({ name }))).id, 'completed')
    states.set((await settled(store, anOperation({ name }), notApplied)).id, 'released')
    states.set((await settled(store, anOperation({ name }), handlerFailed)).id, 'unknown')
  }
  return states
}

const checks: Record<string, Check> = {
  'an operation that there is not is not found': async ({ store }) => {
    assert.equal(await store.find(anOperation().id), undefined)
  },

  'a list holds every record once, whatever the size of its pages': async ({ store }) => {
    const states = await oneOfEach(store)
    for (const limit of [1, 5, 12, 100]) {
      const items = await listed(store, { limit })
      assert.deepEqual(items.map(({ id }) => id).sort(), [...states.keys()].sort())
      for (const item of items) assertSame(item, await store.find(item.id))
    }
  },

  'a list is narrowed by state, by name, and by both': async ({ store }) => {
    const states = await oneOfEach(store)
    for (const state of ['running', 'completed', 'released', 'unknown'] as const) {
      const items = await listed(store, { state, limit: 2 })
      assert.deepEqual(
        items.map(({ id }) => id).sort(),
        [...states].flatMap(([id, is]) => (is === state ? [id] : [])).sort(),
      )
      assert.equal((await listed(store, { state, name: 'order.cancel' })).length, 1)
    }
    assert.equal((await listed(store, { name: 'order.create' })).length, 8)
    assert.equal((await listed(store, { name: 'order' })).length, 0)
  },

  'a list shows 100 records unless told': async ({ store }) => {
    await Promise.all(Array.from({ length: 101 }, () => granted(store, anOperation())))
    const { items, next } = await store.list({})
    assert.equal(items.length, 100)
    assert.equal((await store.list({ cursor: next ?? '' })).items.length, 1)
  },

  'a list of nothing has no next page': async ({ store }) => {
    assert.deepEqual(await store.list({}), { items: [], next: undefined })
  },

  'a list that grows while it is read misses nothing that was there': async ({ store }) => {
    const before = Array.from({ length: 9 }, () => anOperation())
    for (const operation of before) await granted(store, operation)
    const seen: string[] = []
    for (let cursor: string | undefined; ; ) {
      const page = await store.list(cursor === undefined ? { limit: 2 } : { limit: 2, cursor })
      seen.push(...page.items.map(({ id }) => id))
      if (page.next === undefined || seen.length > 100) break
      cursor = page.next
      await granted(store, anOperation())
    }
    assert.equal(new Set(seen).size, seen.length)
    for (const { id } of before) assert.ok(seen.includes(id))
  },
  'a sweep with nothing due changes nothing': async ({ store }) => {
    await oneOfEach(store)
    const before = await listed(store, {})
    assert.deepEqual(await store.sweep(100), { expired: 0, forgotten: 0 })
    assert.equal((await listed(store, {})).length, before.length)
  },
}

export const listing: Theme = { name: 'listing', needs: [], checks }

export const listingInTime: Theme = {
  name: 'listing',
  needs: ['virtual time'],
  checks: {
    'a list shows records as time has made them, swept or not': async ({ store, clock }) => {
      const kept = await settled(store, anOperation(), completed('', { retentionMs: 10 * horizons.retentionMs }))
      const old = await settled(store, anOperation())
      await settled(store, anOperation(), completed('', { retentionMs: 0, tombstoneMs: 1 }))
      await clock.advance(horizons.retentionMs)
      for (let swept = 0; swept < 2; swept++) {
        const states = Object.fromEntries((await listed(store, {})).map(({ id, state }) => [id, state]))
        assert.deepEqual(states, { [kept.id]: 'completed', [old.id]: 'expired' })
        assert.deepEqual(
          (await listed(store, { state: 'expired' })).map(({ id }) => id),
          [old.id],
        )
        assert.deepEqual(
          (await listed(store, { state: 'completed' })).map(({ id }) => id),
          [kept.id],
        )
        await store.sweep(100)
      }
    },
  },
}
