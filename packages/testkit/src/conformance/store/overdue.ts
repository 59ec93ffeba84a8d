/** Transactions and time: what takes too long is given up, whole and in time. */

import assert from 'node:assert/strict'
import { soon } from '../patience.ts'
import type { Theme } from '../subject.ts'
import { anOperation, completed, granted, horizons, leaseMs, outcome, terms } from './given.ts'
import { found, plain } from './records.ts'
import { assertRefused, beginOn, kept, nobodyIsLost, opened } from './transacting.ts'

export const overdue: Theme = {
  name: 'overdue',
  needs: ['transactional', 'virtual time'],
  checks: {
    'a transaction that takes longer than its lease is given up, and says so': async ({ store, effects, clock }) => {
      const operation = anOperation()
      let lost = 0
      const asked = terms({ guarantee: 'transactional' })
      const transaction = await opened(store, operation, asked, () => void lost++)
      await effects.set(transaction.tx, 'order', 'placed')
      await clock.advance(leaseMs)
      assert.equal(lost, 1)
      await assertRefused(() => effects.set(transaction.tx, 'order', 'again'))
      assert.deepEqual(await transaction.end(kept()), { kind: 'rolled-back', why: 'overdue' })
      assert.equal(await effects.committed('order'), undefined)
      assert.equal(await store.find(operation.id), undefined)
      assert.equal(lost, 1)
    },

    'what an overdue transaction left is free, and the late one changes nothing of it': async ({
      store,
      effects,
      clock,
    }) => {
      const operation = anOperation()
      const slow = await opened(store, operation)
      await effects.set(slow.tx, 'order', 'by the slow one')
      await clock.advance(leaseMs)
      const next = await opened(store, operation)
      await effects.set(next.tx, 'order', 'by the next')
      assert.equal((await next.end(kept('by the next'))).kind, 'committed')
      assert.equal((await slow.end(kept('by the slow one'))).kind, 'rolled-back')
      assert.equal(await effects.committed('order'), 'by the next')
      const record = await found(store, operation.id, 'completed')
      assert.deepEqual(plain(record), plain({ ...record, outcome: outcome('by the next') }))
    },

    'a transaction that ends in time is never given up': async ({ store, clock }) => {
      const transaction = await opened(store, anOperation(), terms({ guarantee: 'transactional' }), nobodyIsLost)
      await clock.advance(leaseMs - 1)
      assert.equal((await transaction.end(kept())).kind, 'committed')
      await clock.advance(10 * leaseMs)
    },

    'transactions are given up each at its own time': async ({ store, clock }) => {
      const lost: string[] = []
      const begin = (name: string, lasts: number): Promise<unknown> => {
        const asked = terms({ guarantee: 'transactional', leaseMs: lasts })
        return beginOn(store)(anOperation(), asked, () => void lost.push(name))
      }
      const both = Promise.all([begin('long', 3000), begin('short', 1000)])
      // A store that serves one transaction after the other begins the second when the first is given up.
      for (let seconds = 0; seconds < 60 && lost.length < 2; seconds++) {
        await clock.advance(1000)
        // A server takes real time to begin one.
        await soon('both have begun', both, 30).catch(() => undefined)
      }
      await soon('both have begun', both)
      assert.deepEqual([...lost].sort(), ['long', 'short'])
    },

    'a lapsed claim whose effect had not begun is taken over by a transaction': async ({ store, effects, clock }) => {
      const operation = anOperation()
      const { claim } = await granted(store, operation)
      await clock.advance(leaseMs)
      const transaction = await opened(store, operation)
      await effects.set(transaction.tx, 'order', 'placed')
      assert.equal((await transaction.end(kept())).kind, 'committed')
      assert.equal((await store.settle(claim, completed('late'))).kind, 'superseded')
      assert.equal((await found(store, operation.id, 'completed')).attempts, 2)
    },

    'outcomes of transactions expire like any other': async ({ store, clock }) => {
      const operation = anOperation()
      await (await opened(store, operation)).end(kept())
      await clock.advance(horizons.retentionMs)
      const result = await beginOn(store)(operation, terms({ guarantee: 'transactional' }), nobodyIsLost)
      assert.ok(result.kind === 'found' && result.record.state === 'expired')
      await clock.advance(horizons.tombstoneMs)
      const transaction = await opened(store, operation)
      assert.equal(transaction.number, 1)
      await transaction.end(kept())
    },
  },
}
