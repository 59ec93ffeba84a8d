/** How a claim ends, and that an ending stays. */

import assert from 'node:assert/strict'
import type { Check, Theme } from '../subject.ts'
import {
  anOperation,
  completed,
  granted,
  handlerFailed,
  horizons,
  notApplied,
  notBegun,
  settled,
  terms,
  unknown,
} from './given.ts'
import { assertSame, found, unchanged } from './records.ts'

const endings: Record<string, Check> = {
  'a completion is kept with its outcome and its two horizons': async ({ store }) => {
    const operation = anOperation()
    const { claim, record } = await granted(store, operation)
    const result = await store.settle(claim, completed('the answer'))
    const kept = await found(store, operation.id, 'completed')
    assert.equal(result.kind, 'written')
    assertSame(result.record, kept)
    assert.equal(kept.retainUntilMs, kept.completedAtMs + horizons.retentionMs)
    assert.equal(kept.forgetAtMs, kept.retainUntilMs + horizons.tombstoneMs)
    const { id, name, fingerprint, guarantee, fence, attemptId, attempts, createdAtMs } = record
    for (const [fact, value] of Object.entries({
      id,
      name,
      fingerprint,
      guarantee,
      fence,
      attemptId,
      attempts,
      createdAtMs,
    })) {
      assert.equal(kept[fact as 'id'], value, fact)
    }
  },

  'a release before the effect began is kept, and frees the operation': async ({ store }) => {
    const operation = anOperation()
    const claim = await settled(store, operation, notBegun)
    const record = await found(store, operation.id, 'released')
    assert.equal(record.fence, claim.fence)
    assert.equal(record.forgetAtMs, record.releasedAtMs + horizons.retentionMs + horizons.tombstoneMs)
    await granted(store, operation)
  },

  'an unknown ending is kept with its reason': async ({ store }) => {
    const operation = anOperation()
    await settled(store, operation, handlerFailed, terms({ begun: true }))
    assert.equal((await found(store, operation.id, 'unknown')).reason, 'handler-failed')
  },

  'an effect that began completes': async ({ store }) => {
    const operation = anOperation()
    const { claim } = await granted(store, operation)
    await store.beginEffect(claim)
    assert.equal((await store.settle(claim, completed())).kind, 'written')
    await found(store, operation.id, 'completed')
  },
}

const releases: Record<string, Check> = {
  'a guarded effect that began is not released as not begun': async ({ store }) => {
    const { claim } = await granted(store, anOperation())
    await store.beginEffect(claim)
    const result = await unchanged(store, claim.id, () => store.settle(claim, notBegun))
    assert.equal(result.kind, 'superseded')
    assert.equal((await store.settle(claim, completed())).kind, 'written')
  },

  'a guarded effect that began with its claim is not released as not begun': async ({ store }) => {
    const { claim } = await granted(store, anOperation(), terms({ begun: true }))
    assert.equal((await unchanged(store, claim.id, () => store.settle(claim, notBegun))).kind, 'superseded')
  },

  'a guarded effect that began is released when it was not applied': async ({ store }) => {
    const operation = anOperation()
    await settled(store, operation, notApplied, terms({ begun: true }))
    assert.equal((await granted(store, operation)).record.effect, 'not-begun')
  },

  'a resumable effect that began is released with its steps': async ({ store }) => {
    const operation = anOperation()
    const { claim } = await granted(store, operation, terms({ guarantee: 'resumable' }))
    await store.recordStep(claim, 'charge', '1')
    assert.equal((await store.settle(claim, notBegun)).kind, 'written')
    assert.deepEqual((await found(store, operation.id, 'released')).steps, [{ name: 'charge', value: '1' }])
  },
}

const settledAgain: Record<string, Check> = {
  'a completion whose acknowledgement was lost recognises itself': async ({ store }) => {
    const operation = anOperation()
    const claim = await settled(store, operation, completed('first'))
    const again = await unchanged(store, operation.id, () => store.settle(claim, completed('second')))
    assert.equal(again.kind, 'already-written')
    assertSame(again.record, await found(store, operation.id, 'completed'))
  },

  'a release whose acknowledgement was lost recognises itself': async ({ store }) => {
    const claim = await settled(store, anOperation(), notApplied)
    assert.equal((await unchanged(store, claim.id, () => store.settle(claim, notApplied))).kind, 'already-written')
  },

  'an unknown ending whose acknowledgement was lost recognises itself': async ({ store }) => {
    const claim = await unknown(store, anOperation())
    assert.equal((await unchanged(store, claim.id, () => store.settle(claim, handlerFailed))).kind, 'already-written')
  },

  'a completed operation is not released by its own attempt': async ({ store }) => {
    const claim = await settled(store, anOperation())
    for (const ending of [notBegun, notApplied]) {
      assert.equal((await unchanged(store, claim.id, () => store.settle(claim, ending))).kind, 'superseded')
    }
  },

  'unknown never overwrites completed': async ({ store }) => {
    const claim = await settled(store, anOperation())
    assert.equal((await unchanged(store, claim.id, () => store.settle(claim, handlerFailed))).kind, 'superseded')
  },

  'a released operation is not completed by the attempt that released it': async ({ store }) => {
    const claim = await settled(store, anOperation(), notApplied)
    for (const ending of [completed(), handlerFailed]) {
      assert.equal((await unchanged(store, claim.id, () => store.settle(claim, ending))).kind, 'superseded')
    }
  },
}

const lateSettlements: Record<string, Check> = {
  'an unknown outcome takes the late completion of its own attempt': async ({ store }) => {
    const claim = await unknown(store, anOperation())
    assert.equal((await store.settle(claim, completed('late'))).kind, 'written')
    assert.equal((await found(store, claim.id, 'completed')).outcome.status, 201)
  },

  'an unknown outcome takes the late release of its own attempt, if nothing was applied': async ({ store }) => {
    const claim = await unknown(store, anOperation())
    assert.equal((await unchanged(store, claim.id, () => store.settle(claim, notBegun))).kind, 'superseded')
    assert.equal((await store.settle(claim, notApplied)).kind, 'written')
    await found(store, claim.id, 'released')
  },

  'an unknown outcome is settled late by nobody else': async ({ store }) => {
    const claim = await unknown(store, anOperation())
    for (const by of [
      { ...claim, attemptId: terms().attemptId },
      { ...claim, fence: claim.fence + 1 },
      { ...claim, fence: claim.fence - 1 },
    ]) {
      assert.equal((await unchanged(store, claim.id, () => store.settle(by, completed()))).kind, 'superseded')
    }
  },
}

export const settlement: Theme = {
  name: 'settlement',
  needs: [],
  checks: { ...endings, ...releases, ...settledAgain, ...lateSettlements },
}
