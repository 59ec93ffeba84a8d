/** How outcomes expire and tombstones end: to the millisecond, and swept or not. */

import assert from 'node:assert/strict'
import type { Check, Theme } from '../subject.ts'
import {
  anOperation,
  completed,
  granted,
  horizons,
  leaseMs,
  notApplied,
  otherwise,
  settled,
  terms,
  unknown,
} from './given.ts'
import { found, unchanged } from './records.ts'

const tenYearsMs = 10 * 365 * 86_400_000

const checks: Record<string, Check> = {
  'retention starts at completion': async ({ store, clock }) => {
    const operation = anOperation()
    const { claim } = await granted(store, operation)
    await clock.advance(leaseMs / 2)
    await store.settle(claim, completed())
    assert.equal((await found(store, operation.id, 'completed')).retainUntilMs, clock.now() + horizons.retentionMs)
  },

  'an outcome is replayed until its retention ends, to the millisecond, swept or not': async ({ store, clock }) => {
    const operation = anOperation()
    await settled(store, operation)
    await clock.advance(horizons.retentionMs - 1)
    await store.sweep(10)
    await found(store, operation.id, 'completed')
    await clock.advance(1)
    const unswept = await found(store, operation.id, 'expired')
    assert.deepEqual([unswept.status, unswept.expiredAtMs], [201, clock.now()])
    assert.equal(unswept.forgetAtMs, clock.now() + horizons.tombstoneMs)
    await unchanged(store, operation.id, () => store.sweep(10))
  },

  'an expired key is refused, for its own fingerprint and for any other, swept or not': async ({ store, clock }) => {
    const operation = anOperation()
    await settled(store, operation)
    await clock.advance(horizons.retentionMs)
    for (let swept = 0; swept < 2; swept++) {
      for (const arrival of [operation, otherwise(operation)]) {
        const result = await unchanged(store, operation.id, () => store.claim(arrival, terms()))
        assert.deepEqual([result.kind, result.record.state], ['found', 'expired'])
        assert.equal(result.record.fingerprint, operation.fingerprint)
      }
      await store.sweep(10)
    }
  },

  'a completion sent again after its retention is superseded, swept or not': async ({ store, clock }) => {
    const claim = await settled(store, anOperation())
    await clock.advance(horizons.retentionMs)
    for (let swept = 0; swept < 2; swept++) {
      const result = await unchanged(store, claim.id, () => store.settle(claim, completed()))
      assert.deepEqual([result.kind, 'record' in result && result.record?.state], ['superseded', 'expired'])
      await store.sweep(10)
    }
  },

  'a released operation is bound to its fingerprint until it is forgotten': async ({ store, clock }) => {
    const operation = anOperation()
    await settled(store, operation, notApplied)
    await clock.advance(horizons.retentionMs + horizons.tombstoneMs - 1)
    assert.equal((await store.claim(otherwise(operation), terms())).kind, 'found')
    await clock.advance(1)
    assert.equal(await store.find(operation.id), undefined)
    await granted(store, otherwise(operation))
  },

  'unfinished operations are never forgotten': async ({ store, clock }) => {
    const [running, failed] = [anOperation(), anOperation()]
    await granted(store, running, terms({ begun: true }))
    await unknown(store, failed)
    await clock.advance(tenYearsMs)
    assert.deepEqual(await store.sweep(100), { expired: 0, forgotten: 0 })
    await found(store, running.id, 'running')
    await found(store, failed.id, 'unknown')
    assert.equal((await store.claim(running, terms())).record.state, 'unknown')
  },

  'a tombstone ends, and its operation is as if it had never been, swept or not': async ({ store, clock }) => {
    for (const swept of [true, false]) {
      const operation = anOperation()
      const { fence } = await settled(store, operation)
      await clock.advance(horizons.retentionMs + horizons.tombstoneMs - 1)
      await found(store, operation.id, 'expired')
      await clock.advance(1)
      if (swept) await store.sweep(10)
      assert.equal(await store.find(operation.id), undefined)
      const { record } = await granted(store, otherwise(operation))
      assert.deepEqual([record.attempts, record.createdAtMs], [1, clock.now()])
      assert.ok(record.fence > fence)
    }
  },

  'an outcome without retention or tombstone is forgotten at once': async ({ store }) => {
    const operation = anOperation()
    await settled(store, operation, completed('', { retentionMs: 0, tombstoneMs: 0 }))
    assert.equal(await store.find(operation.id), undefined)
    await granted(store, operation)
  },
}

export const retention: Theme = { name: 'retention', needs: ['virtual time'], checks }
