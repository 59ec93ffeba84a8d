/** Who may run the effect: the first to ask, and nobody that finds a record which says otherwise. */

import assert from 'node:assert/strict'
import type { Check, Theme } from '../subject.ts'
import {
  anOperation,
  completed,
  granted,
  handlerFailed,
  idOf,
  leaseMs,
  notApplied,
  otherwise,
  settled,
  terms,
} from './given.ts'
import { assertSame, found, unchanged } from './records.ts'

const firstClaims: Record<string, Check> = {
  'a first claim is granted, and its record is running': async ({ store }) => {
    const operation = anOperation()
    const asked = terms()
    const { record } = await granted(store, operation, asked)
    assert.deepEqual(
      { ...record, fence: 0, createdAtMs: 0, claimedAtMs: 0, leaseUntilMs: 0 },
      {
        ...operation,
        guarantee: 'guarded',
        fence: 0,
        attemptId: asked.attemptId,
        attempts: 1,
        createdAtMs: 0,
        state: 'running',
        effect: 'not-begun',
        claimedAtMs: 0,
        leaseUntilMs: 0,
        steps: [],
      },
    )
    assert.ok(Number.isSafeInteger(record.fence) && record.fence >= 1)
    assert.equal(record.createdAtMs, record.claimedAtMs)
    assert.equal(record.leaseUntilMs, record.claimedAtMs + leaseMs)
    assertSame(await store.find(operation.id), record)
  },

  'a claim that is itself the commit point has begun': async ({ store }) => {
    const operation = anOperation()
    const { record } = await granted(store, operation, terms({ begun: true }))
    assert.equal(record.effect, 'begun')
    assert.equal((await found(store, operation.id, 'running')).effect, 'begun')
  },

  'a claim keeps the name and guarantee that it was made under': async ({ store }) => {
    for (const guarantee of ['guarded', 'resumable', 'transactional'] as const) {
      const operation = anOperation({ name: `order.${guarantee}` })
      const { record } = await granted(store, operation, terms({ guarantee }))
      assert.deepEqual([record.name, record.guarantee], [`order.${guarantee}`, guarantee])
    }
  },

  'operations are independent': async ({ store }) => {
    const [one, other] = [anOperation(), anOperation()]
    await settled(store, one, completed('one'))
    const { record } = await granted(store, other)
    assert.equal(record.attempts, 1)
    await found(store, one.id, 'completed')
  },

  'ids that differ in the case of a letter are two operations': async ({ store }) => {
    const id = idOf('case')
    const letter = /[a-z]/.exec(id)?.[0] ?? ''
    const [one, other] = [anOperation({ id }), anOperation({ id: id.replace(letter, letter.toUpperCase()) })]
    await settled(store, one)
    await granted(store, other)
  },
}

const claimsSentAgain: Record<string, Check> = {
  'a claim whose acknowledgement was lost recognises itself': async ({ store }) => {
    const operation = anOperation()
    const asked = terms()
    const first = await granted(store, operation, asked)
    const again = await unchanged(store, operation.id, () => granted(store, operation, asked))
    assertSame(again.record, first.record)
  },

  'a claim sent again after its effect began recognises itself': async ({ store }) => {
    const operation = anOperation()
    const asked = terms({ guarantee: 'resumable' })
    const { claim } = await granted(store, operation, asked)
    await store.beginEffect(claim)
    await store.recordStep(claim, 'charge', '1')
    const { record } = await granted(store, operation, asked)
    assert.deepEqual([record.effect, record.attempts, record.steps.length], ['begun', 1, 1])
  },

  'a claim sent again after its settlement finds the outcome': async ({ store }) => {
    const operation = anOperation()
    const asked = terms()
    await settled(store, operation, completed(), asked)
    assert.equal((await store.claim(operation, asked)).kind, 'found')
  },
}

const claimsThatFind: Record<string, Check> = {
  'another attempt finds the running record': async ({ store }) => {
    const operation = anOperation()
    const { record } = await granted(store, operation)
    const result = await unchanged(store, operation.id, () => store.claim(operation, terms()))
    assert.equal(result.kind, 'found')
    assertSame(result.record, record)
  },

  'another attempt finds the outcome': async ({ store }) => {
    const operation = anOperation()
    await settled(store, operation, completed('the answer'))
    const result = await unchanged(store, operation.id, () => store.claim(operation, terms()))
    assert.equal(result.kind, 'found')
    assertSame(result.record, await found(store, operation.id, 'completed'))
  },

  'an unknown outcome is found, and never run over': async ({ store }) => {
    const operation = anOperation()
    await settled(store, operation, handlerFailed)
    for (const guarantee of ['guarded', 'resumable'] as const) {
      const result = await unchanged(store, operation.id, () => store.claim(operation, terms({ guarantee })))
      assert.deepEqual([result.kind, result.record.state], ['found', 'unknown'])
    }
  },
}

const claimsAfterRelease: Record<string, Check> = {
  'a released operation is granted again, under the next fence and number': async ({ store }) => {
    const operation = anOperation()
    const first = await granted(store, operation)
    await store.settle(first.claim, notApplied)
    const again = await granted(store, operation)
    assert.ok(again.record.fence > first.record.fence)
    assert.deepEqual([again.record.attempts, again.record.createdAtMs], [2, first.record.createdAtMs])
    assert.equal(again.record.effect, 'not-begun')
  },

  'a released operation keeps its steps for the next attempt': async ({ store }) => {
    const operation = anOperation()
    const { claim } = await granted(store, operation, terms({ guarantee: 'resumable' }))
    await store.recordStep(claim, 'reserve', 'r-1')
    await store.recordStep(claim, 'charge', 'c-1')
    await store.settle(claim, notApplied)
    const { record } = await granted(store, operation, terms({ guarantee: 'resumable' }))
    assert.deepEqual(record.steps, [
      { name: 'reserve', value: 'r-1' },
      { name: 'charge', value: 'c-1' },
    ])
  },

  'a released operation stays bound to its fingerprint': async ({ store }) => {
    const operation = anOperation()
    await settled(store, operation, notApplied)
    const result = await unchanged(store, operation.id, () => store.claim(otherwise(operation), terms()))
    assert.deepEqual([result.kind, result.record.state], ['found', 'released'])
    await granted(store, operation)
  },

  'a fingerprint that differs in case or in a space at its end is another one': async ({ store }) => {
    const operation = anOperation({ fingerprint: 'v1:Ab' })
    await settled(store, operation, notApplied)
    for (const fingerprint of ['v1:ab', 'v1:Ab ', ' v1:Ab', 'v1:Áb', 'v1:A']) {
      const result = await store.claim({ ...operation, fingerprint }, terms())
      assert.deepEqual([result.kind, result.record.fingerprint], ['found', 'v1:Ab'], fingerprint)
    }
  },
}

const mismatches: Record<string, Check> = {
  'another fingerprint finds the running record and does it no harm': async ({ store }) => {
    const operation = anOperation()
    const { claim } = await granted(store, operation)
    const result = await unchanged(store, operation.id, () => store.claim(otherwise(operation), terms()))
    assert.deepEqual([result.kind, result.record.fingerprint], ['found', operation.fingerprint])
    assert.equal((await store.settle(claim, completed())).kind, 'written')
  },

  'another fingerprint is found out even under the attempt id of the holder': async ({ store }) => {
    const operation = anOperation()
    const asked = terms()
    await granted(store, operation, asked)
    const result = await store.claim(otherwise(operation), asked)
    assert.deepEqual([result.kind, result.record.fingerprint], ['found', operation.fingerprint])
  },

  'another fingerprint finds the outcome and does it no harm': async ({ store }) => {
    const operation = anOperation()
    await settled(store, operation)
    const result = await unchanged(store, operation.id, () => store.claim(otherwise(operation), terms()))
    assert.deepEqual([result.kind, result.record.fingerprint], ['found', operation.fingerprint])
  },

  'another fingerprint finds the unknown outcome and does it no harm': async ({ store }) => {
    const operation = anOperation()
    await settled(store, operation, handlerFailed)
    const result = await unchanged(store, operation.id, () => store.claim(otherwise(operation), terms()))
    assert.deepEqual([result.kind, result.record.fingerprint], ['found', operation.fingerprint])
  },
}

export const claims: Theme = {
  name: 'claims',
  needs: [],
  checks: { ...firstClaims, ...claimsSentAgain, ...claimsThatFind, ...claimsAfterRelease, ...mismatches },
}
