/** Effect and record commit together, or neither does. */

import assert from 'node:assert/strict'
import type { TransactionEnding } from 'reprise/engine'
import type { Check, Theme } from '../subject.ts'
import {
  anOperation,
  completed,
  granted,
  handlerFailed,
  leaseMs,
  notApplied,
  otherwise,
  outcome,
  settled,
  terms,
  unknown,
} from './given.ts'
import { assertSame, countKinds, found, plain } from './records.ts'
import { assertRefused, beginOn, kept, nobodyIsLost, opened, released, undone } from './transacting.ts'

const ends: Record<string, Check> = {
  'effect and outcome become visible together': async ({ store, effects }) => {
    const operation = anOperation()
    const transaction = await opened(store, operation)
    await effects.set(transaction.tx, 'order', 'placed')
    assert.equal(await effects.committed('order'), undefined)
    assert.equal(await store.find(operation.id), undefined)
    const result = await transaction.end(kept('order 1'))
    assert.equal(result.kind, 'committed')
    assert.equal(await effects.committed('order'), 'placed')
    assertSame('record' in result ? result.record : undefined, await found(store, operation.id, 'completed'))
  },

  'a refusal is kept, and its effect is undone': async ({ store, effects }) => {
    const operation = anOperation()
    const transaction = await opened(store, operation)
    await effects.set(transaction.tx, 'order', 'placed')
    assert.equal((await transaction.end(undone('no stock'))).kind, 'committed')
    assert.equal(await effects.committed('order'), undefined)
    const record = await found(store, operation.id, 'completed')
    assert.deepEqual(plain(record), plain({ ...record, outcome: outcome('no stock') }))
  },

  'a release leaves no effect, and a released record': async ({ store, effects }) => {
    const operation = anOperation()
    const transaction = await opened(store, operation)
    await effects.set(transaction.tx, 'order', 'placed')
    assert.equal((await transaction.end(released)).kind, 'committed')
    assert.equal(await effects.committed('order'), undefined)
    await found(store, operation.id, 'released')
  },

  'a released operation begins again, under the next fence and number': async ({ store, effects }) => {
    const operation = anOperation()
    const first = await opened(store, operation)
    await first.end(released)
    const other = await beginOn(store)(otherwise(operation), terms({ guarantee: 'transactional' }), nobodyIsLost)
    assert.equal(other.kind, 'found', 'it stays bound to its fingerprint')
    const second = await opened(store, operation)
    assert.deepEqual([first.number, second.number], [1, 2])
    assert.ok(second.fence > first.fence)
    await effects.set(second.tx, 'order', 'placed')
    await second.end(kept())
    assert.equal(await effects.committed('order'), 'placed')
    assert.equal((await found(store, operation.id, 'completed')).attempts, 2)
  },

  'a transaction reads its own writes': async ({ store, effects }) => {
    const first = await opened(store, anOperation())
    await effects.set(first.tx, 'stock', '5')
    await first.end(kept())
    const second = await opened(store, anOperation())
    assert.equal(await effects.get(second.tx, 'stock'), '5')
    await effects.set(second.tx, 'stock', '4')
    assert.equal(await effects.get(second.tx, 'stock'), '4')
    assert.equal(await effects.get(second.tx, 'nothing'), undefined)
    await second.end(kept())
    assert.equal(await effects.committed('stock'), '4')
  },

  'a transaction without an effect keeps its outcome': async ({ store }) => {
    const operation = anOperation()
    await (await opened(store, operation)).end(kept('nothing to do'))
    await found(store, operation.id, 'completed')
  },

  'every byte of an outcome is kept': async ({ store }) => {
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    for (const body of [every, new Uint8Array(0), null]) {
      const operation = anOperation()
      const ending: TransactionEnding = { ...completed(outcome(body)), effect: 'kept' }
      await (await opened(store, operation)).end(ending)
      const record = await found(store, operation.id, 'completed')
      assert.deepEqual(plain(record), plain({ ...record, outcome: outcome(body) }))
    }
  },

  'a transaction that has ended refuses every use': async ({ store, effects }) => {
    for (const ending of [kept(), undone(), released]) {
      const { tx, end } = await opened(store, anOperation()).then((transaction) => {
        return { tx: transaction.tx, end: () => transaction.end(ending) }
      })
      await effects.set(tx, 'before', 'the end')
      await end()
      await assertRefused(() => effects.set(tx, 'after', 'the end'))
      await assertRefused(() => effects.get(tx, 'before'))
      assert.equal(await effects.committed('after'), undefined)
    }
  },
}

const finds: Record<string, Check> = {
  'a transaction in flight is found running by its own fingerprint and by any other': async ({ store }) => {
    const operation = anOperation()
    const asked = terms({ guarantee: 'transactional' })
    const transaction = await opened(store, operation, asked)
    for (const arrival of [operation, otherwise(operation)]) {
      const result = await beginOn(store)(arrival, terms({ guarantee: 'transactional' }), nobodyIsLost)
      assert.ok(result.kind === 'found' && result.record.state === 'running')
      const { id, name, fingerprint, attemptId, claimedAtMs, leaseUntilMs } = result.record
      assert.deepEqual({ id, name, fingerprint, attemptId }, { ...operation, attemptId: asked.attemptId })
      assert.equal(leaseUntilMs, claimedAtMs + leaseMs)
    }
    await transaction.end(kept())
    const after = await beginOn(store)(operation, terms({ guarantee: 'transactional' }), nobodyIsLost)
    assert.ok(after.kind === 'found' && after.record.state === 'completed')
  },

  'a committed outcome is found by every kind of attempt': async ({ store }) => {
    const operation = anOperation()
    await (await opened(store, operation)).end(kept())
    const record = await found(store, operation.id, 'completed')
    for (const arrival of [operation, otherwise(operation)]) {
      assertSame((await store.claim(arrival, terms())).record, record)
      const result = await beginOn(store)(arrival, terms({ guarantee: 'transactional' }), nobodyIsLost)
      assertSame(result.kind === 'found' ? result.record : undefined, record)
    }
  },

  'of 50 that begin a completed operation together each finds the outcome': async ({ store }) => {
    const operation = anOperation()
    await (await opened(store, operation)).end(kept())
    const arrivals = Array.from({ length: 50 }, () => terms({ guarantee: 'transactional' }))
    const results = await Promise.all(arrivals.map((asked) => beginOn(store)(operation, asked, nobodyIsLost)))
    const states = results.map((result) => (result.kind === 'found' ? result.record.state : 'granted'))
    assert.deepEqual(new Set(states), new Set(['completed']))
  },

  'a claim, an outcome and an unknown ending are found by a transaction': async ({ store }) => {
    const [running, done, failed] = [anOperation(), anOperation(), anOperation()]
    await granted(store, running)
    await settled(store, done)
    await unknown(store, failed)
    for (const operation of [running, done, failed]) {
      const result = await beginOn(store)(operation, terms({ guarantee: 'transactional' }), nobodyIsLost)
      assertSame(result.kind === 'found' ? result.record : undefined, await store.find(operation.id))
    }
  },

  'what a claim has released begins under the next fence and number': async ({ store }) => {
    const operation = anOperation()
    const { fence } = await settled(store, operation, notApplied)
    const transaction = await opened(store, operation)
    assert.equal(transaction.number, 2)
    assert.ok(transaction.fence > fence)
    await transaction.end(kept())
  },

  'an attempt that claimed before changes nothing of what has committed since': async ({ store }) => {
    const operation = anOperation()
    const old = await settled(store, operation, notApplied)
    await (await opened(store, operation)).end(kept())
    const record = await found(store, operation.id, 'completed')
    for (const ending of [completed('late'), notApplied, handlerFailed]) {
      assert.equal((await store.settle(old, ending)).kind, 'superseded')
    }
    assertSame(await store.find(operation.id), record)
  },

  'of 50 that begin one operation together one is granted, and the others find it': async ({ store, effects }) => {
    const operation = anOperation()
    const arrivals = Array.from({ length: 50 }, () => terms({ guarantee: 'transactional' }))
    const results = await Promise.all(arrivals.map((asked) => beginOn(store)(operation, asked, nobodyIsLost)))
    assert.deepEqual(countKinds(results), { granted: 1, found: 49 })
    for (const result of results) {
      if (result.kind === 'found') continue
      await effects.set(result.transaction.tx, 'order', 'placed')
      assert.equal((await result.transaction.end(kept())).kind, 'committed')
    }
    assert.equal((await found(store, operation.id, 'completed')).attempts, 1)
  },
}

export const transactions: Theme = {
  name: 'transactions',
  needs: ['transactional'],
  checks: { ...ends, ...finds },
}
