/** What the holder of a claim may write while it runs, and that nobody else writes anything. */

import assert from 'node:assert/strict'
import type { Claim, Ending, Store, WriteResult } from 'reprise/engine'
import type { Check, Theme } from '../subject.ts'
import {
  anOperation,
  completed,
  granted,
  handlerFailed,
  leaseMs,
  notApplied,
  notBegun,
  settled,
  terms,
  unknown,
} from './given.ts'
import { found, unchanged } from './records.ts'

const resumable = terms.bind(undefined, { guarantee: 'resumable' })

const holding: Record<string, Check> = {
  'an effect begins, and sent again it has begun': async ({ store }) => {
    const operation = anOperation()
    const { claim } = await granted(store, operation)
    assert.equal((await store.beginEffect(claim)).kind, 'written')
    assert.equal((await found(store, operation.id, 'running')).effect, 'begun')
    assert.equal((await unchanged(store, operation.id, () => store.beginEffect(claim))).kind, 'already-written')
  },

  'an effect that began with its claim begins no second time': async ({ store }) => {
    const { claim } = await granted(store, anOperation(), terms({ begun: true }))
    assert.equal((await store.beginEffect(claim)).kind, 'already-written')
  },

  'a renewal extends the lease': async ({ store }) => {
    const operation = anOperation()
    const { claim, record } = await granted(store, operation)
    assert.equal((await store.renew(claim, 2 * leaseMs)).kind, 'written')
    const renewed = await found(store, operation.id, 'running')
    assert.ok(renewed.leaseUntilMs >= record.claimedAtMs + 2 * leaseMs)
    assert.deepEqual({ ...renewed, leaseUntilMs: 0 }, { ...record, leaseUntilMs: 0 })
  },

  'a renewal never shortens the lease': async ({ store }) => {
    const { claim, record } = await granted(store, anOperation())
    const result = await unchanged(store, claim.id, () => store.renew(claim, 1))
    assert.equal(result.kind, 'written')
    assert.equal((await found(store, claim.id, 'running')).leaseUntilMs, record.leaseUntilMs)
  },

  'renewals sent together keep the longest': async ({ store }) => {
    const { claim, record } = await granted(store, anOperation())
    await Promise.all([1, 5, 3, 2, 4].map((times) => store.renew(claim, times * leaseMs)))
    assert.ok((await found(store, claim.id, 'running')).leaseUntilMs >= record.claimedAtMs + 5 * leaseMs)
  },

  'steps are kept in the order in which they were recorded': async ({ store }) => {
    const { claim } = await granted(store, anOperation(), resumable())
    const steps = ['z', 'a', '10', '9', 'm'].map((name) => ({ name, value: `of ${name}` }))
    for (const { name, value } of steps) assert.equal((await store.recordStep(claim, name, value)).kind, 'written')
    assert.deepEqual((await found(store, claim.id, 'running')).steps, steps)
  },

  'the first value of a step stays': async ({ store }) => {
    const { claim } = await granted(store, anOperation(), resumable())
    await store.recordStep(claim, 'charge', 'first')
    const again = await unchanged(store, claim.id, () => store.recordStep(claim, 'charge', 'second'))
    assert.equal(again.kind, 'already-written')
    assert.deepEqual((await found(store, claim.id, 'running')).steps, [{ name: 'charge', value: 'first' }])
  },

  'a recorded step says that the effect has begun': async ({ store }) => {
    const { claim } = await granted(store, anOperation(), resumable())
    await store.recordStep(claim, 'charge', '1')
    assert.equal((await found(store, claim.id, 'running')).effect, 'begun')
  },

  'a guarded claim with a recorded step is past its commit point': async ({ store }) => {
    const { claim } = await granted(store, anOperation())
    await store.recordStep(claim, 'charge', '1')
    assert.equal((await store.settle(claim, notBegun)).kind, 'superseded')
  },

  'names and values of steps are kept to the letter': async ({ store }) => {
    const { claim } = await granted(store, anOperation(), resumable())
    const odd = [
      '',
      ' ',
      "it's",
      '"quoted"',
      'a\nb',
      '\\',
      '%s $1 ?',
      '{"json":[1.0]}',
      'žluťoučký',
      '日本',
      '🙂',
      '__proto__',
    ]
    for (const text of odd) await store.recordStep(claim, text, text)
    const { steps } = await found(store, claim.id, 'running')
    assert.deepEqual(
      steps,
      odd.map((text) => ({ name: text, value: text })),
    )
  },
}

type Write = (store: Store, by: Claim) => Promise<WriteResult>

const settling = (ending: Ending): Write => {
  return (store, by) => store.settle(by, ending)
}

/** Every write of an attempt. */
const writes: Readonly<Record<string, Write>> = {
  'the beginning of an effect': (store, by) => store.beginEffect(by),
  'a step': (store, by) => store.recordStep(by, 'charge', 'another'),
  'a renewal': (store, by) => store.renew(by, 10 * leaseMs),
  'a completion': settling(completed('another')),
  'a release that nothing had begun': settling(notBegun),
  'a release that nothing was applied': settling(notApplied),
  'an unknown ending': settling(handlerFailed),
}

/** Those who don't hold the claim: each sets an operation up and returns a claim that is not the one it has. */
const strangers: Readonly<Record<string, (store: Store) => Promise<Claim>>> = {
  'for an operation that there is not': async () => ({ id: anOperation().id, attemptId: terms().attemptId, fence: 1 }),
  'by another attempt': async (store) => {
    const { claim } = await granted(store, anOperation())
    return { ...claim, attemptId: terms().attemptId }
  },
  'under an older fence': async (store) => {
    const { claim } = await granted(store, anOperation())
    return { ...claim, fence: claim.fence - 1 }
  },
  'under a newer fence': async (store) => {
    const { claim } = await granted(store, anOperation())
    return { ...claim, fence: claim.fence + 1 }
  },
  'by an attempt that has been succeeded': async (store) => {
    const operation = anOperation()
    const released = await settled(store, operation, notApplied)
    await granted(store, operation)
    return released
  },
  'by another attempt after the completion': async (store) => {
    const claim = await settled(store, anOperation())
    return { ...claim, attemptId: terms().attemptId }
  },
  'by another attempt after the release': async (store) => {
    const claim = await settled(store, anOperation(), notApplied)
    return { ...claim, attemptId: terms().attemptId }
  },
  'by another attempt after an unknown ending': async (store) => {
    const claim = await unknown(store, anOperation())
    return { ...claim, attemptId: terms().attemptId }
  },
  'under another fence after an unknown ending': async (store) => {
    const claim = await unknown(store, anOperation())
    return { ...claim, fence: claim.fence + 1 }
  },
}

const refusals: Record<string, Check> = {}
for (const [who, set] of Object.entries(strangers)) {
  for (const [what, write] of Object.entries(writes)) {
    refusals[`${what} ${who} changes nothing`] = async ({ store }) => {
      const claim = await set(store)
      const result = await unchanged(store, claim.id, () => write(store, claim))
      assert.equal(result.kind, 'superseded')
      assert.equal(result.record?.state, (await store.find(claim.id))?.state)
    }
  }
}

const runningOnly = ['the beginning of an effect', 'a step', 'a renewal']
for (const what of runningOnly) {
  refusals[`${what} by the holder after its settlement changes nothing`] = async ({ store }) => {
    for (const ending of [completed(), notApplied, handlerFailed]) {
      const claim = await settled(store, anOperation(), ending, terms({ begun: true }))
      const result = await unchanged(store, claim.id, async () => writes[what]?.(store, claim))
      assert.equal(result?.kind, 'superseded', ending.kind)
    }
  }
}

export const heldWrites: Theme = { name: 'writes', needs: [], checks: holding }
export const refusedWrites: Theme = { name: 'fencing', needs: [], checks: refusals }
