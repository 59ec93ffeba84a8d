/** What a lapsed lease permits: a takeover before the effect began, the turn to unknown after it, and nothing else. */

import assert from 'node:assert/strict'
import type { Check, Theme } from '../subject.ts'
import {
  anOperation,
  completed,
  granted,
  handlerFailed,
  leaseMs,
  notApplied,
  notBegun,
  otherwise,
  terms,
} from './given.ts'
import { found, unchanged } from './records.ts'

const checks: Record<string, Check> = {
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

export const leases: Theme = { name: 'leases', needs: ['virtual time'], checks }
