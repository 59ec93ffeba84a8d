/** Transactions of different operations that run side by side: none loses, swallows or sees what another has not committed. */

import assert from 'node:assert/strict'
import type { CommitResult, Store, Transaction, TransactionEnding } from 'reprise/engine'
import { soon, turns } from '../patience.ts'
import type { Check, Effects, Theme } from '../subject.ts'
import { anOperation, notBegun, settled } from './given.ts'
import { countKinds, found } from './records.ts'
import { assertRefused, kept, opened, released, undone } from './transacting.ts'

/** Begins, runs the handler, and ends as it says. A store may make it wait for others at any of these. */
async function run(
  store: Store,
  handler: (transaction: Transaction<unknown>) => Promise<TransactionEnding>,
  operation = anOperation(),
): Promise<CommitResult> {
  const transaction = await opened(store, operation)
  return transaction.end(await handler(transaction))
}

/** The same for a handler that reads and writes what others write: a store may refuse any of its statements. */
async function runAgainstOthers(
  store: Store,
  handler: (transaction: Transaction<unknown>) => Promise<TransactionEnding>,
  operation = anOperation(),
): Promise<CommitResult> {
  const transaction = await opened(store, operation)
  let ending: TransactionEnding
  try {
    ending = await handler(transaction)
  } catch (error) {
    await transaction.end(released)
    return { kind: 'rolled-back', why: 'conflict', error }
  }
  return transaction.end(ending)
}

/** Adds one to a counter, with other work between reading and writing it. */
async function increment(
  effects: Effects<unknown>,
  { tx }: Transaction<unknown>,
  pauses: number,
): Promise<TransactionEnding> {
  const before = Number((await effects.get(tx, 'counter')) ?? '0')
  await turns(pauses)
  await effects.set(tx, 'counter', String(before + 1))
  return kept()
}

const checks: Record<string, Check> = {
  'many operations commit side by side': async ({ store, effects }) => {
    const names = Array.from({ length: 60 }, (_, n) => `order ${n}`)
    const results = await Promise.all(
      names.map((name) =>
        run(store, async ({ tx }) => {
          await effects.set(tx, name, name)
          return kept(name)
        }),
      ),
    )
    assert.deepEqual(countKinds(results), { committed: names.length })
    for (const name of names) assert.equal(await effects.committed(name), name)
  },

  'no update of 50 asynchronous transactions is lost: the losers are told so': async ({ store, effects }) => {
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        runAgainstOthers(store, (transaction) => increment(effects, transaction, n % 4)),
      ),
    )
    const { committed = 0, 'rolled-back': lost = 0 } = countKinds(results)
    assert.equal(committed + lost, 50)
    assert.ok(committed >= 1, 'one of them wins')
    assert.equal(await effects.committed('counter'), String(committed))
  },

  'a transaction that lost to another succeeds when it is run again': async ({ store, effects }) => {
    const operations = Array.from({ length: 8 }, () => anOperation())
    async function untilCommitted(operation: ReturnType<typeof anOperation>): Promise<void> {
      for (let tries = 0; tries < 100; tries++) {
        const result = await runAgainstOthers(store, (transaction) => increment(effects, transaction, 1), operation)
        if (result.kind === 'committed') return
        assert.equal(result.kind, 'rolled-back')
      }
      assert.fail('it never committed')
    }
    await Promise.all(operations.map(untilCommitted))
    assert.equal(await effects.committed('counter'), '8')
    for (const { id } of operations) await found(store, id, 'completed')
  },

  'a slow handler among quick ones neither loses its writes nor swallows theirs': async ({ store, effects }) => {
    const slow = run(store, async ({ tx }) => {
      await effects.set(tx, 'slow first', 'yes')
      await turns(20)
      assert.equal(await effects.get(tx, 'slow first'), 'yes')
      await effects.set(tx, 'slow last', 'yes')
      return kept()
    })
    const endings = [kept, undone, () => released]
    const quick = Array.from({ length: 30 }, (_, n) =>
      run(store, async ({ tx }) => {
        if (n % 2 === 0) await turns(1)
        await effects.set(tx, `quick ${n}`, 'yes')
        return endings[n % 3]?.() ?? kept()
      }),
    )
    const results = await soon('all of them end', Promise.all([slow, ...quick]))
    assert.deepEqual(countKinds(results), { committed: 31 })
    assert.deepEqual([await effects.committed('slow first'), await effects.committed('slow last')], ['yes', 'yes'])
    for (let n = 0; n < 30; n++) {
      assert.equal(await effects.committed(`quick ${n}`), n % 3 === 0 ? 'yes' : undefined, `quick ${n}`)
    }
  },

  'a slow handler that is undone takes nothing of the quick ones with it': async ({ store, effects }) => {
    const slow = run(store, async ({ tx }) => {
      await effects.set(tx, 'slow', 'yes')
      await turns(20)
      return released
    })
    const quick = Array.from({ length: 20 }, (_, n) =>
      run(store, async ({ tx }) => {
        await effects.set(tx, `quick ${n}`, 'yes')
        return kept()
      }),
    )
    await soon('all of them end', Promise.all([slow, ...quick]))
    assert.equal(await effects.committed('slow'), undefined)
    for (let n = 0; n < 20; n++) assert.equal(await effects.committed(`quick ${n}`), 'yes')
  },

  'a handler that goes on after its end writes into nobody’s transaction': async ({ store, effects }) => {
    let late: Promise<void> | undefined
    await run(store, async ({ tx }) => {
      late = (async () => {
        await turns(3)
        await assertRefused(() => effects.set(tx, 'late', 'yes'))
      })()
      // It is awaited below, and may fail before that.
      late.catch(() => undefined)
      return kept()
    })
    await run(store, async () => {
      await turns(10)
      return kept()
    })
    await late
    assert.equal(await effects.committed('late'), undefined)
  },

  'transactions and claims run side by side': async ({ store, effects }) => {
    const claimed = Array.from({ length: 20 }, () => anOperation())
    const running = Array.from({ length: 20 }, (_, n) =>
      run(store, async ({ tx }) => {
        await turns(n % 3)
        await effects.set(tx, `order ${n}`, 'placed')
        return kept()
      }),
    )
    const claims = claimed.map((operation) => settled(store, operation, notBegun))
    await soon('all of them end', Promise.all([...running, ...claims]))
    for (let n = 0; n < 20; n++) assert.equal(await effects.committed(`order ${n}`), 'placed')
    for (const { id } of claimed) await found(store, id, 'released')
  },
}

export const interleaving: Theme = { name: 'interleaving', needs: ['transactional'], checks }
