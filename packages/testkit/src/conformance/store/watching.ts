/** Who watches a record is told when it changes, and leaves nothing behind. */

import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import type { Ending, Store } from 'reprise/engine'
import { soon } from '../patience.ts'
import type { Check, Subject, Theme } from '../subject.ts'
import { anOperation, completed, granted, handlerFailed, leaseMs, notApplied, terms, unknown } from './given.ts'
import { opened } from './transacting.ts'

function watch(store: Store, id: string, signal: AbortSignal): Promise<void> {
  const watching = store.watch?.(id, signal)
  assert.ok(watching, 'the store offers watch')
  return watching
}

/** Watches an id, makes the change, and waits until the watch is told of it. */
async function told(store: Store, id: string, change: () => Promise<unknown>): Promise<void> {
  const controller = new AbortController()
  const watching = watch(store, id, controller.signal)
  await change()
  await soon('the watch is told', watching)
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0, 'no listener stays behind')
}

async function toldOfSettling(subject: Subject, ending: Ending): Promise<void> {
  const { claim } = await granted(subject.store, anOperation(), terms({ begun: true }))
  await told(subject.store, claim.id, () => subject.store.settle(claim, ending))
}

const checks: Record<string, Check> = {
  'a watch is told of a completion': (subject) => toldOfSettling(subject, completed()),
  'a watch is told of a release': (subject) => toldOfSettling(subject, notApplied),
  'a watch is told of an unknown ending': (subject) => toldOfSettling(subject, handlerFailed),

  'a watch is told of a decision': async ({ store }) => {
    const { id, fence } = await unknown(store, anOperation())
    await told(store, id, () => store.resolve(id, fence, completed()))
  },

  'a watch is told of an outcome that is erased': async ({ store }) => {
    const { claim } = await granted(store, anOperation())
    await store.settle(claim, completed())
    await told(store, claim.id, () => store.erase(claim.id))
  },

  'every one of many watches is told': async ({ store }) => {
    const { claim } = await granted(store, anOperation())
    const watching = Array.from({ length: 50 }, () => watch(store, claim.id, new AbortController().signal))
    await store.settle(claim, completed())
    await soon('all watches are told', Promise.all(watching))
  },

  'a watch can be made before there is a record': async ({ store }) => {
    const operation = anOperation()
    await told(store, operation.id, async () => {
      const { claim } = await granted(store, operation)
      await store.settle(claim, completed())
    })
  },

  'an aborted watch ends, and leaves nothing behind': async ({ store }) => {
    const { claim } = await granted(store, anOperation())
    const controller = new AbortController()
    const watching = Array.from({ length: 10 }, () => watch(store, claim.id, controller.signal))
    controller.abort()
    await soon('the watches end', Promise.all(watching))
    await soon('a watch of an aborted signal ends', watch(store, claim.id, controller.signal))
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
    assert.equal((await store.settle(claim, completed())).kind, 'written')
  },
}

export const watching: Theme = { name: 'watching', needs: ['watch'], checks }

export const watchingInTime: Theme = {
  name: 'watching',
  needs: ['watch', 'virtual time'],
  checks: {
    'a watch is told when a lapsed lease turns the record unknown': async ({ store, clock }) => {
      const operation = anOperation()
      await granted(store, operation, terms({ begun: true }))
      await clock.advance(leaseMs)
      await told(store, operation.id, () => store.claim(operation, terms()))
    },
  },
}

export const watchingTransactions: Theme = {
  name: 'watching',
  needs: ['watch', 'transactional'],
  checks: {
    'a watch is told of a commit': async ({ store }) => {
      const operation = anOperation()
      const transaction = await opened(store, operation)
      await told(store, operation.id, () => transaction.end({ ...completed(), effect: 'kept' }))
    },

    'a watch is told of a transaction that was rolled back': async ({ store }) => {
      const operation = anOperation()
      const transaction = await opened(store, operation)
      const { kind, retentionMs, tombstoneMs } = notApplied
      await told(store, operation.id, () => transaction.end({ kind, retentionMs, tombstoneMs }))
    },
  },
}
