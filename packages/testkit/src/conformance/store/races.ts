/** Of any number that arrive together, one wins, and the others learn the same. */

import assert from 'node:assert/strict'
import type { Claim, Operation, Store } from 'reprise/engine'
import type { Check, Theme } from '../subject.ts'
import {
  anOperation,
  completed,
  granted,
  horizons,
  leaseMs,
  notApplied,
  otherwise,
  settled,
  terms,
  unknown,
} from './given.ts'
import { assertSame, countKinds, found } from './records.ts'

const many = 200

/** Claims an operation many times at once: one is granted, and the others find its record. */
async function race(store: Store, operation: Operation): Promise<void> {
  const results = await Promise.all(Array.from({ length: many }, () => store.claim(operation, terms())))
  assert.deepEqual(countKinds(results), { granted: 1, found: many - 1 })
  const winner = results.find(({ kind }) => kind === 'granted')?.record
  for (const { record } of results) assertSame(record, winner)
}

const raceChecks: Record<string, Check> = {
  [`of ${many} claims of one operation one is granted`]: ({ store }) => race(store, anOperation()),

  [`of ${many} claims of a released operation one is granted`]: async ({ store }) => {
    const operation = anOperation()
    await settled(store, operation, notApplied)
    await race(store, operation)
  },

  'of claims of many operations one each is granted': async ({ store }) => {
    const operations = Array.from({ length: 40 }, () => anOperation())
    const rounds = Array.from({ length: 5 }, () => operations).flat()
    const results = await Promise.all(rounds.map((operation) => store.claim(operation, terms())))
    const winners = results.filter(({ kind }) => kind === 'granted').map(({ record }) => record.id)
    assert.deepEqual(winners.sort(), operations.map(({ id }) => id).sort())
  },

  'of claims with two fingerprints one is granted, and all find its fingerprint': async ({ store }) => {
    const operation = anOperation()
    const arrivals = Array.from({ length: 60 }, (_, n) => (n % 2 === 0 ? operation : otherwise(operation)))
    const results = await Promise.all(arrivals.map((arrival) => store.claim(arrival, terms())))
    assert.deepEqual(countKinds(results), { granted: 1, found: 59 })
    assert.equal(new Set(results.map(({ record }) => record.fingerprint)).size, 1)
  },

  'one claim sent many times at once is one claim': async ({ store }) => {
    const operation = anOperation()
    const asked = terms()
    const results = await Promise.all(Array.from({ length: 50 }, () => store.claim(operation, asked)))
    assert.deepEqual(countKinds(results), { granted: 50 })
    assert.deepEqual(new Set(results.map(({ record }) => record.fence)).size, 1)
    assert.equal((await found(store, operation.id, 'running')).attempts, 1)
  },

  'of settlements with different outcomes by one attempt one is written, and all learn its bytes': async ({
    store,
  }) => {
    const operation = anOperation()
    const { claim } = await granted(store, operation)
    const endings = Array.from({ length: 50 }, (_, n) => completed(`outcome ${n}`))
    const results = await Promise.all(endings.map((ending) => store.settle(claim, ending)))
    assert.deepEqual(countKinds(results), { written: 1, 'already-written': 49 })
    const record = await found(store, operation.id, 'completed')
    for (const result of results) assertSame(result.record, record)
  },

  'of a completion and a release by one attempt one is written': async ({ store }) => {
    const operation = anOperation()
    const { claim } = await granted(store, operation)
    const endings = Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? completed() : notApplied))
    const results = await Promise.all(endings.map((ending) => store.settle(claim, ending)))
    assert.deepEqual(countKinds(results), { written: 1, 'already-written': 9, superseded: 10 })
  },

  'an effect begins once': async ({ store }) => {
    const { claim } = await granted(store, anOperation())
    const results = await Promise.all(Array.from({ length: 50 }, () => store.beginEffect(claim)))
    assert.deepEqual(countKinds(results), { written: 1, 'already-written': 49 })
  },

  'of values for one step one is written': async ({ store }) => {
    const operation = anOperation()
    const { claim } = await granted(store, operation, terms({ guarantee: 'resumable' }))
    const values = Array.from({ length: 50 }, (_, n) => `value ${n}`)
    const results = await Promise.all(values.map((value) => store.recordStep(claim, 'charge', value)))
    assert.deepEqual(countKinds(results), { written: 1, 'already-written': 49 })
    const { steps } = await found(store, operation.id, 'running')
    assert.deepEqual(
      steps.map(({ value }) => value),
      values.filter((_, n) => results[n]?.kind === 'written'),
    )
  },

  'steps that are recorded together are all recorded': async ({ store }) => {
    const operation = anOperation()
    const { claim } = await granted(store, operation, terms({ guarantee: 'resumable' }))
    const names = Array.from({ length: 50 }, (_, n) => `step ${n}`)
    await Promise.all(names.map((name) => store.recordStep(claim, name, name)))
    const { steps } = await found(store, operation.id, 'running')
    assert.deepEqual(steps.map(({ name }) => name).sort(), [...names].sort())
  },

  'of decisions about an unknown outcome one is written': async ({ store }) => {
    const operation = anOperation()
    const { fence } = await unknown(store, operation)
    const endings = Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? completed(`decision ${n}`) : notApplied))
    const results = await Promise.all(endings.map((ending) => store.resolve(operation.id, fence, ending)))
    assert.deepEqual(countKinds(results), { written: 1, superseded: 19 })
  },

  'attempts that follow each other never hold the claim together': async ({ store }) => {
    const operation = anOperation()
    const workers = 20
    const fences: number[] = []
    let holders = 0
    async function work(): Promise<void> {
      for (;;) {
        const asked = terms()
        const result = await store.claim(operation, asked)
        if (result.kind === 'found') continue
        assert.equal(++holders, 1)
        const claim: Claim = { id: operation.id, attemptId: asked.attemptId, fence: result.record.fence }
        fences.push(claim.fence)
        await Promise.resolve()
        holders--
        assert.equal((await store.settle(claim, notApplied)).kind, 'written')
        return
      }
    }
    await Promise.all(Array.from({ length: workers }, work))
    assert.equal((await found(store, operation.id, 'released')).attempts, workers)
    assert.deepEqual(
      fences,
      [...new Set(fences)].sort((a, b) => a - b),
    )
  },
}

export const races: Theme = { name: 'races', needs: [], checks: raceChecks }

export const racesInTime: Theme = {
  name: 'races',
  needs: ['virtual time'],
  checks: {
    [`of ${many} claims of a lapsed lease one is granted`]: async ({ store, clock }) => {
      const operation = anOperation()
      await granted(store, operation)
      await clock.advance(leaseMs)
      await race(store, operation)
    },

    [`of ${many} claims of a lapsed lease one continues the steps`]: async ({ store, clock }) => {
      const operation = anOperation()
      const { claim } = await granted(store, operation, terms({ guarantee: 'resumable' }))
      await store.recordStep(claim, 'charge', '1')
      await clock.advance(leaseMs)
      await race(store, operation)
    },

    [`of ${many} claims of an effect that began under a lapsed lease none is granted`]: async ({ store, clock }) => {
      const operation = anOperation()
      await granted(store, operation, terms({ begun: true }))
      await clock.advance(leaseMs)
      const results = await Promise.all(Array.from({ length: many }, () => store.claim(operation, terms())))
      assert.deepEqual(countKinds(results), { found: many })
      for (const { record } of results) assert.equal(record.state, 'unknown')
    },

    [`of ${many} claims of a forgotten operation one is granted, swept or not`]: async ({ store, clock }) => {
      const [swept, unswept] = [anOperation(), anOperation()]
      await settled(store, swept)
      await clock.advance(horizons.retentionMs + horizons.tombstoneMs)
      await store.sweep(10)
      await race(store, swept)
      await settled(store, unswept)
      await clock.advance(horizons.retentionMs + horizons.tombstoneMs)
      await race(store, unswept)
    },
  },
}
