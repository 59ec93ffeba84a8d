/** How a store is set up and closed. */

import assert from 'node:assert/strict'
import { soon } from '../patience.ts'
import type { Check, Theme } from '../subject.ts'
import { anOperation, completed, granted, idOf, notBegun, settled, terms } from './given.ts'
import { found } from './records.ts'

const checks: Record<string, Check> = {
  'a store says what it can do as it does it': async ({ store, abilities }) => {
    assert.match(store.name, /^[a-z][a-z0-9-]*$/)
    assert.equal(store.capabilities.transactional, store.begin !== undefined)
    assert.equal(abilities.has('transactional'), store.begin !== undefined, "an exemption from 'transactional'")
    assert.equal(abilities.has('watch'), store.watch !== undefined, "an exemption from 'watch'")
    assert.equal(abilities.has('durable'), store.capabilities.durable, "an exemption from 'durable'")
    for (const capability of ['durable', 'survivesFailover', 'wakesWaiters'] as const) {
      assert.equal(typeof store.capabilities[capability], 'boolean', capability)
    }
    assert.ok(store.watch !== undefined || !store.capabilities.wakesWaiters, 'who wakes waiters offers watch')
  },

  'migrate may be called again, and by many at once, and keeps every record': async ({ store }) => {
    const operation = anOperation()
    await settled(store, operation, completed('kept'))
    await Promise.all(Array.from({ length: 5 }, () => store.migrate()))
    await found(store, operation.id, 'completed')
    await granted(store, anOperation())
  },

  'close waits for what is under way': async ({ store }) => {
    const { claim } = await granted(store, anOperation())
    const settling = store.settle(claim, completed())
    await soon('the store closes', store.close())
    assert.equal((await settling).kind, 'written')
  },

  'a closed store refuses every step': async ({ store }) => {
    const { claim } = await granted(store, anOperation())
    await store.close()
    const steps: Record<string, () => Promise<unknown>> = {
      claim: () => store.claim(anOperation(), terms()),
      beginEffect: () => store.beginEffect(claim),
      recordStep: () => store.recordStep(claim, 'charge', '1'),
      renew: () => store.renew(claim, 1),
      settle: () => store.settle(claim, notBegun),
      find: () => store.find(claim.id),
      list: () => store.list({}),
      sweep: () => store.sweep(1),
      resolve: () => store.resolve(claim.id, claim.fence, completed()),
      erase: () => store.erase(idOf('nobody')),
    }
    for (const [name, step] of Object.entries(steps)) {
      await assert.rejects(soon(name, step()), { code: 'store-closed' }, name)
    }
  },

  'a store may be closed again': async ({ store }) => {
    await store.close()
    await soon('it closes again', store.close())
  },
}

export const lifecycle: Theme = { name: 'lifecycle', needs: [], checks }
