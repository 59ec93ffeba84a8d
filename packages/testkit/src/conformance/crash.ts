/** What a store has acknowledged is there after a crash between any two steps, and what it has not is not. */

import assert from 'node:assert/strict'
import type { Claim, Ending, Store, Terms } from 'reprise/engine'
import {
  anOperation,
  completed,
  granted,
  handlerFailed,
  horizons,
  leaseMs,
  notApplied,
  notBegun,
  opened,
  otherwise,
  settled,
  terms,
  unknown,
} from './given.ts'
import { assertAlike, modelOf } from './model.ts'
import { found } from './records.ts'
import type { Check, Subject, Theme } from './subject.ts'
import { kept } from './transactions.ts'

/** One step of a life, on whichever store: returns how it ended. */
type Step = (store: Store, life: Life) => Promise<{ readonly kind: string } | number>

/** What a life knows: its operation, the terms of its attempts, and the claim that each store has given. */
interface Life {
  readonly operation: ReturnType<typeof anOperation>
  readonly attempts: readonly Terms[]
  readonly claims: WeakMap<object, Claim>
  readonly key: object
}

const claim = (attempt: number): Step => {
  return async (store, { operation, attempts, claims, key }) => {
    const asked = attempts[attempt] as Terms
    const result = await store.claim(operation, asked)
    if (result.kind === 'granted') {
      claims.set(key, { id: operation.id, attemptId: asked.attemptId, fence: result.record.fence })
    }
    return result
  }
}

const held = ({ claims, key }: Life): Claim => {
  const mine = claims.get(key)
  assert.ok(mine)
  return mine
}

const begin: Step = (store, life) => store.beginEffect(held(life))
const step =
  (name: string): Step =>
  (store, life) =>
    store.recordStep(held(life), name, `result of ${name}`)
const renew: Step = (store, life) => store.renew(held(life), 2 * leaseMs)
const settle =
  (ending: Ending): Step =>
  (store, life) =>
    store.settle(held(life), ending)
const decide =
  (ending: Exclude<Ending, { kind: 'unknown' }>): Step =>
  async (store, { operation }) =>
    store.resolve(operation.id, (await found(store, operation.id, 'unknown')).fence, ending)
const sweep: Step = async (store) => (await store.sweep(10)).expired
const erase: Step = async (store, { operation }) => Number(await store.erase(operation.id))

/** Milliseconds between two steps. */
type Script = readonly (Step | number)[]

const lives: Readonly<Record<string, { readonly guarantee: Terms['guarantee']; readonly script: Script }>> = {
  'a guarded life': {
    guarantee: 'guarded',
    script: [
      claim(0),
      renew,
      begin,
      settle(completed('done')),
      horizons.retentionMs,
      claim(1),
      sweep,
      horizons.tombstoneMs,
      sweep,
    ],
  },
  'a life that is released and tried again': {
    guarantee: 'guarded',
    script: [
      claim(0),
      settle(notBegun),
      claim(1),
      settle(notApplied),
      claim(2),
      begin,
      settle(completed('third')),
      erase,
    ],
  },
  'a life that lapses and is completed late': {
    guarantee: 'guarded',
    script: [claim(0), begin, leaseMs, claim(1), settle(completed('late')), claim(1)],
  },
  'a life that fails and is decided': {
    guarantee: 'guarded',
    script: [
      claim(0),
      begin,
      settle(handlerFailed),
      claim(1),
      decide(notApplied),
      claim(1),
      begin,
      settle(handlerFailed),
      decide(completed('decided')),
    ],
  },
  'a resumable life': {
    guarantee: 'resumable',
    script: [
      claim(0),
      step('reserve'),
      leaseMs,
      claim(1),
      step('charge'),
      settle(notBegun),
      claim(2),
      step('ship'),
      settle(completed('shipped')),
    ],
  },
}

/** Lives through the script on the store and on the model, with a crash of the store after every step. */
async function live(subject: Subject, guarantee: Terms['guarantee'], script: Script): Promise<void> {
  const model = modelOf(subject.clock)
  const operation = anOperation()
  const attempts = Array.from({ length: 3 }, () => terms({ guarantee }))
  const shared = { operation, attempts, claims: new WeakMap<object, Claim>() }
  const [ours, modelled] = [
    { ...shared, key: {} },
    { ...shared, key: {} },
  ]
  for (const [n, command] of script.entries()) {
    if (typeof command === 'number') {
      await subject.clock.advance(command)
    } else {
      const ending = await command(subject.store, ours)
      const expected = await command(model, modelled)
      assert.equal(
        typeof ending === 'number' ? ending : ending.kind,
        typeof expected === 'number' ? expected : expected.kind,
      )
    }
    await subject.crash()
    await assertAlike(subject.store, model, operation.id, `after step ${n + 1} and a crash`)
  }
}

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
    ...Object.fromEntries(
      Object.entries(lives).map(([name, { guarantee, script }]): [string, Check] => [
        `${name} goes on over a crash after every step`,
        (subject) => live(subject, guarantee, script),
      ]),
    ),

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
