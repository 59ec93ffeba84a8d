/** What operators decide: how an unknown outcome ended, and that an outcome is erased. */

import assert from 'node:assert/strict'
import type { Check, Theme } from '../subject.ts'
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
}

export const operators: Theme = { name: 'operators', needs: [], checks: { ...deciding, ...erasing } }

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
  },
}
