/** What operators do: look, list, decide unknown outcomes, erase. */

import assert from 'node:assert/strict'
import type { ListOptions, OperationRecord, RecordState, Store } from 'reprise/engine'
import {
  anOperation,
  completed,
  granted,
  handlerFailed,
  horizons,
  idOf,
  notApplied,
  otherwise,
  settled,
  terms,
  unknown,
} from './given.ts'
import { assertSame, found, unchanged } from './records.ts'
import type { Check, Theme } from './subject.ts'

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

const looking: Record<string, Check> = {
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
}

const deciding: Record<string, Check> = {
  'an unknown outcome is decided to have completed': async ({ store }) => {
    const operation = anOperation()
    const { fence } = await unknown(store, operation)
    const result = await store.resolve(operation.id, fence, completed('as the bank says'))
    assert.equal(result.kind, 'written')
    assertSame(result.record, await found(store, operation.id, 'completed'))
  },

  'an unknown outcome is decided not to have been applied, and its operation is free': async ({ store }) => {
    const operation = anOperation()
    const { fence } = await unknown(store, operation)
    assert.equal((await store.resolve(operation.id, fence, notApplied)).kind, 'written')
    await found(store, operation.id, 'released')
    const { record } = await granted(store, operation)
    assert.ok(record.fence > fence)
    assert.equal(record.attempts, 2)
  },

  'a decision is not written over by the attempt that it was about': async ({ store }) => {
    for (const ending of [completed('decided'), notApplied]) {
      const claim = await unknown(store, anOperation())
      await store.resolve(claim.id, claim.fence, ending)
      for (const late of [completed('late'), notApplied, handlerFailed]) {
        const result = await unchanged(store, claim.id, () => store.settle(claim, late))
        assert.equal(result.kind, 'superseded', `${late.kind} after ${ending.kind}`)
      }
    }
  },

  'a decision under another fence changes nothing': async ({ store }) => {
    const { id, fence } = await unknown(store, anOperation())
    for (const seen of [fence - 1, fence + 1]) {
      assert.equal((await unchanged(store, id, () => store.resolve(id, seen, completed()))).kind, 'superseded')
    }
  },

  'only an unknown outcome is decided': async ({ store }) => {
    const { claim } = await granted(store, anOperation())
    const others = [claim, await settled(store, anOperation()), await settled(store, anOperation(), notApplied)]
    for (const { id, fence } of [...others, { id: idOf('nobody'), fence: 1 }]) {
      for (const ending of [completed(), notApplied]) {
        assert.equal((await unchanged(store, id, () => store.resolve(id, fence, ending))).kind, 'superseded')
      }
    }
  },
}

const erasing: Record<string, Check> = {
  'an erased outcome is gone, and its key stays refused': async ({ store }) => {
    const operation = anOperation()
    await settled(store, operation, completed('secret'))
    const before = await found(store, operation.id, 'completed')
    assert.equal(await store.erase(operation.id), true)
    const record = await found(store, operation.id, 'expired')
    assert.ok(!JSON.stringify(record).includes('secret'))
    assert.deepEqual([record.status, record.forgetAtMs], [201, before.forgetAtMs])
    assert.ok(
      record.expiredAtMs >= before.completedAtMs && record.expiredAtMs < before.retainUntilMs,
      'expires when erased',
    )
    for (const arrival of [operation, otherwise(operation)]) {
      const result = await store.claim(arrival, terms())
      assert.deepEqual([result.kind, result.record.state], ['found', 'expired'])
      assert.equal(result.record.fingerprint, operation.fingerprint)
    }
  },

  'where there is no outcome there is none to erase': async ({ store }) => {
    const { claim } = await granted(store, anOperation())
    const erased = await settled(store, anOperation())
    await store.erase(erased.id)
    const without = [
      claim,
      erased,
      await settled(store, anOperation(), notApplied),
      await unknown(store, anOperation()),
    ]
    for (const { id } of without) {
      assert.equal(await unchanged(store, id, () => store.erase(id)), false)
    }
    assert.equal(await store.erase(idOf('nobody')), false)
  },

  'an erased outcome is not settled again by its attempt': async ({ store }) => {
    const claim = await settled(store, anOperation())
    await store.erase(claim.id)
    const result = await unchanged(store, claim.id, () => store.settle(claim, completed('again')))
    assert.equal(result.kind, 'superseded')
  },

  'a sweep with nothing due changes nothing': async ({ store }) => {
    await oneOfEach(store)
    const before = await listed(store, {})
    assert.deepEqual(await store.sweep(100), { expired: 0, forgotten: 0 })
    assert.equal((await listed(store, {})).length, before.length)
  },
}

export const operators: Theme = { name: 'operators', needs: [], checks: { ...looking, ...deciding, ...erasing } }

export const operatorsInTime: Theme = {
  name: 'operators',
  needs: ['virtual time'],
  checks: {
    'an outcome past its retention is none to erase, swept or not': async ({ store, clock }) => {
      const claim = await settled(store, anOperation())
      await clock.advance(horizons.retentionMs)
      assert.equal(await unchanged(store, claim.id, () => store.erase(claim.id)), false)
      await store.sweep(10)
      assert.equal(await unchanged(store, claim.id, () => store.erase(claim.id)), false)
    },

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
