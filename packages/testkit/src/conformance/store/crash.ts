/** What a store has acknowledged is there after a crash between any two steps, and what it has not is not. */

import assert from 'node:assert/strict'
import type { Check, Theme } from '../subject.ts'
import {
  anOperation,
  completed,
  granted,
  horizons,
  leaseMs,
  notApplied,
  notBegun,
  otherwise,
  settled,
  terms,
  unknown,
} from './given.ts'
import { found } from './records.ts'
import { kept, opened } from './transacting.ts'

const acknowledged: Record<string, Check> = {
  'a claim survives a crash, and its attempt still holds it': async (subject) => {
    const operation = anOperation()
    const { claim: mine } = await granted(subject.store, operation)
    await subject.crash()
    assert.equal((await subject.store.claim(operation, terms())).kind, 'found')
    assert.equal((await subject.store.claim(otherwise(operation), terms())).kind, 'found')
    assert.equal((await subject.store.settle(mine, completed())).kind, 'written')
  },

  'an effect that began is not begun again after a crash': async (subject) => {
    const { claim: mine } = await granted(subject.store, anOperation())
    await subject.store.beginEffect(mine)
    await subject.crash()
    assert.equal((await subject.store.beginEffect(mine)).kind, 'already-written')
    assert.equal((await subject.store.settle(mine, notBegun)).kind, 'superseded')
  },

  'a settlement whose acknowledgement was lost in a crash recognises itself': async (subject) => {
    const mine = await settled(subject.store, anOperation(), completed('before'))
    await subject.crash()
    assert.equal((await subject.store.settle(mine, completed('after'))).kind, 'already-written')
  },

  'many settlements that were acknowledged together survive together': async (subject) => {
    const operations = Array.from({ length: 50 }, () => anOperation())
    await Promise.all(operations.map((operation) => settled(subject.store, operation)))
    await subject.crash()
    for (const { id } of operations) await found(subject.store, id, 'completed')
  },

  'migrate after a crash keeps every record': async (subject) => {
    const mine = await unknown(subject.store, anOperation())
    await subject.crash()
    await subject.store.migrate()
    await found(subject.store, mine.id, 'unknown')
  },
}

export const crashes: Theme = { name: 'crashes', needs: ['durable'], checks: acknowledged }

export const crashesInTime: Theme = {
  name: 'crashes',
  needs: ['durable', 'virtual time'],
  checks: {
    'a fence grows over a sweep and a crash': async (subject) => {
      const operation = anOperation()
      await settled(subject.store, operation, notApplied)
      const { fence } = await settled(subject.store, operation)
      await subject.clock.advance(horizons.retentionMs + horizons.tombstoneMs)
      await subject.store.sweep(10)
      await subject.crash()
      assert.ok((await granted(subject.store, operation)).record.fence > fence)
    },

    'a claim of a crashed process is taken over when its lease has lapsed': async (subject) => {
      const operation = anOperation()
      await granted(subject.store, operation)
      await subject.crash()
      await subject.clock.advance(leaseMs)
      assert.equal((await granted(subject.store, operation)).record.attempts, 2)
    },
  },
}

export const crashedTransactions: Theme = {
  name: 'crashes',
  needs: ['durable', 'transactional'],
  checks: {
    'nothing of a transaction is left after a crash before its end': async (subject) => {
      const operation = anOperation()
      const transaction = await opened(subject.store, operation)
      await subject.effects.set(transaction.tx, 'order', 'placed')
      await subject.crash()
      assert.equal(await subject.effects.committed('order'), undefined)
      assert.equal(await subject.store.find(operation.id), undefined)
      const again = await opened(subject.store, operation)
      await subject.effects.set(again.tx, 'order', 'placed again')
      await again.end(kept())
      assert.equal(await subject.effects.committed('order'), 'placed again')
    },

    'effect and outcome survive a crash together': async (subject) => {
      const operations = Array.from({ length: 20 }, () => anOperation())
      await Promise.all(
        operations.map(async (operation) => {
          const transaction = await opened(subject.store, operation)
          await subject.effects.set(transaction.tx, operation.id, 'placed')
          await transaction.end(kept())
        }),
      )
      await subject.crash()
      for (const { id } of operations) {
        await found(subject.store, id, 'completed')
        assert.equal(await subject.effects.committed(id), 'placed')
      }
    },

    'a crash among transactions leaves each of them whole or not at all': async (subject) => {
      const operations = Array.from({ length: 30 }, () => anOperation())
      const running = operations.map(async (operation) => {
        const transaction = await opened(subject.store, operation)
        await subject.effects.set(transaction.tx, operation.id, 'placed')
        await transaction.end(kept())
        return operation.id
      })
      // The process dies when the first few have been acknowledged.
      const first = await Promise.race(running)
      for (const run of running) run.catch(() => undefined)
      await subject.crash()
      await found(subject.store, first, 'completed')
      for (const { id } of operations) {
        const record = await subject.store.find(id)
        assert.equal(await subject.effects.committed(id), record === undefined ? undefined : 'placed')
      }
    },
  },
}
