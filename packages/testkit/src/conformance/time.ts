/** What time does to records: leases lapse, outcomes expire, tombstones end. Nothing else does, and nothing too early. */

import assert from 'node:assert/strict'
import {
  anOperation,
  completed,
  granted,
  handlerFailed,
  horizons,
  leaseMs,
  notApplied,
  notBegun,
  otherwise,
  settled,
  terms,
  unknown,
} from './given.ts'
import { found, unchanged } from './records.ts'
import type { Check, Theme } from './subject.ts'

const tenYearsMs = 10 * 365 * 86_400_000

const leases: Record<string, Check> = {
  'a claim is honoured until its lease has lapsed, to the millisecond': async ({ store, clock }) => {
    const operation = anOperation()
    await granted(store, operation)
    await clock.advance(leaseMs - 1)
    assert.equal((await store.claim(operation, terms())).kind, 'found')
    await clock.advance(1)
    assert.equal((await store.claim(operation, terms())).kind, 'granted')
  },

  'a lapsed claim whose effect had not begun is taken over': async ({ store, clock }) => {
    const operation = anOperation()
    const first = await granted(store, operation)
    await clock.advance(leaseMs)
    const { record } = await granted(store, operation)
    assert.ok(record.fence > first.record.fence)
    assert.deepEqual([record.attempts, record.effect, record.createdAtMs], [2, 'not-begun', first.record.createdAtMs])
    assert.deepEqual([record.claimedAtMs, record.leaseUntilMs], [clock.now(), clock.now() + leaseMs])
  },

  'a lapsed guarded claim whose effect began turns unknown, and stays so': async ({ store, clock }) => {
    for (const begun of [true, false]) {
      const operation = anOperation()
      const { claim } = await granted(store, operation, terms({ begun }))
      if (!begun) await store.beginEffect(claim)
      await clock.advance(leaseMs)
      const result = await store.claim(operation, terms())
      assert.deepEqual([result.kind, result.record.state], ['found', 'unknown'])
      const record = await found(store, operation.id, 'unknown')
      assert.deepEqual(
        [record.reason, record.sinceMs, record.attemptId],
        ['lease-lapsed', clock.now(), claim.attemptId],
      )
      assert.equal((await store.renew(claim, leaseMs)).kind, 'superseded')
    }
  },

  'a lapsed resumable claim is taken over with its steps, and its effect stays begun': async ({ store, clock }) => {
    const operation = anOperation()
    const { claim } = await granted(store, operation, terms({ guarantee: 'resumable' }))
    await store.recordStep(claim, 'charge', '1')
    await clock.advance(leaseMs)
    const { record } = await granted(store, operation, terms({ guarantee: 'resumable' }))
    assert.deepEqual([record.effect, record.steps], ['begun', [{ name: 'charge', value: '1' }]])
    assert.ok(record.fence > claim.fence)
  },

  'an attempt that was taken over changes nothing any more': async ({ store, clock }) => {
    const operation = anOperation()
    const { claim } = await granted(store, operation, terms({ guarantee: 'resumable' }))
    await clock.advance(leaseMs)
    await granted(store, operation, terms({ guarantee: 'resumable' }))
    for (const ending of [completed(), notBegun, notApplied, handlerFailed]) {
      assert.equal((await unchanged(store, claim.id, () => store.settle(claim, ending))).kind, 'superseded')
    }
    assert.equal((await unchanged(store, claim.id, () => store.beginEffect(claim))).kind, 'superseded')
    assert.equal((await unchanged(store, claim.id, () => store.recordStep(claim, 'a', 'b'))).kind, 'superseded')
    assert.equal((await unchanged(store, claim.id, () => store.renew(claim, leaseMs))).kind, 'superseded')
  },

  'a renewed claim is honoured until its new lease has lapsed': async ({ store, clock }) => {
    const operation = anOperation()
    const { claim } = await granted(store, operation)
    for (let third = 0; third < 9; third++) {
      await clock.advance(leaseMs / 3)
      await store.renew(claim, leaseMs)
    }
    await clock.advance(leaseMs - 1)
    assert.equal((await store.claim(operation, terms())).kind, 'found')
    await clock.advance(1)
    await granted(store, operation)
  },

  'a lapsed claim that nobody took over is still held': async ({ store, clock }) => {
    const { claim } = await granted(store, anOperation())
    await clock.advance(10 * leaseMs)
    assert.equal((await store.renew(claim, leaseMs)).kind, 'written')
    assert.equal((await found(store, claim.id, 'running')).leaseUntilMs, clock.now() + leaseMs)
    await clock.advance(10 * leaseMs)
    assert.equal((await store.beginEffect(claim)).kind, 'written')
    assert.equal((await store.settle(claim, completed())).kind, 'written')
  },

  'a lapsed claim sent again by its attempt recognises itself': async ({ store, clock }) => {
    const operation = anOperation()
    const asked = terms({ begun: true })
    const { claim } = await granted(store, operation, asked)
    await clock.advance(10 * leaseMs)
    const { record } = await unchanged(store, operation.id, () => granted(store, operation, asked))
    assert.equal(record.fence, claim.fence)
  },

  'another fingerprint neither takes a lapsed claim over nor turns it unknown': async ({ store, clock }) => {
    for (const begun of [true, false]) {
      const operation = anOperation()
      await granted(store, operation, terms({ begun }))
      await clock.advance(leaseMs)
      const result = await unchanged(store, operation.id, () => store.claim(otherwise(operation), terms()))
      assert.deepEqual([result.kind, result.record.state], ['found', 'running'])
    }
  },

  'an outcome that turned unknown by its lease takes the late completion of its own attempt': async ({
    store,
    clock,
  }) => {
    const operation = anOperation()
    const { claim } = await granted(store, operation, terms({ begun: true }))
    await clock.advance(leaseMs)
    const other = terms()
    const { record } = await store.claim(operation, other)
    const stranger = { ...claim, attemptId: other.attemptId }
    assert.equal((await unchanged(store, claim.id, () => store.settle(stranger, completed()))).kind, 'superseded')
    assert.equal(record.fence, claim.fence)
    assert.equal((await store.settle(claim, completed('late'))).kind, 'written')
    await found(store, operation.id, 'completed')
  },

  'a wall clock that is set back shortens no lease': async ({ store, clock }) => {
    const { claim, record } = await granted(store, anOperation())
    clock.setWall(clock.now() - 3_600_000)
    assert.equal((await store.renew(claim, leaseMs)).kind, 'written')
    assert.equal((await found(store, claim.id, 'running')).leaseUntilMs, record.leaseUntilMs)
  },
}

const retention: Record<string, Check> = {
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

export const time: Theme = { name: 'time', needs: ['virtual time'], checks: { ...leases, ...retention } }
