/** Handlers that fail: nothing of a transaction stands, and the same key runs again. */

import assert from 'node:assert/strict'
import { NotApplied } from 'reprise'
import {
  type Act,
  assertProblem,
  assertReplay,
  type Bench,
  type Check,
  created,
  freshKey,
  type Theme,
} from './bench.ts'
import type { Received } from './client.ts'

/** The first call fails as `act` says; the second one is an order as any other. */
async function failsOnce(bench: Bench, act: Act): Promise<Received> {
  const world = await bench.serve((call, calls) => (calls === 1 ? act(call, calls) : created))
  const headers = { 'idempotency-key': freshKey() }
  const failed = await world.send({ headers })
  assert.equal(await world.effects(), 0)
  const first = await world.send({ headers })
  assert.equal(first.status, 201, first.body.toString())
  assertReplay(first, await world.send({ headers }))
  assert.equal(world.calls, 2)
  assert.equal(await world.effects(), 1)
  return failed
}

function isPlain500(failed: Received): void {
  assert.equal(failed.status, 500, failed.body.toString())
  assert.equal(failed.header('x-around'), 'yes')
  assert.equal(failed.header('idempotent-replayed'), undefined)
}

const anyStyle: Record<string, Check> = {
  'a throw': async (bench) => {
    const failed = await failsOnce(bench, () => {
      throw new Error('out of paper')
    })
    isPlain500(failed)
  },

  'a throw in a later turn': async (bench) => {
    const failed = await failsOnce(bench, async () => {
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
      throw new Error('out of paper')
    })
    isPlain500(failed)
  },

  'a throw, answered with the advice to try again': async (bench) => {
    const failed = await failsOnce(bench, () => {
      throw new Error('out of paper')
    })
    assert.equal(failed.header('idempotency-should-retry'), 'true')
  },

  'a 503': async (bench) => {
    const failed = await failsOnce(bench, () => ({ kind: 'json', status: 503, value: { error: 'busy' } }))
    assert.deepEqual([failed.status, failed.json], [503, { error: 'busy' }])
  },

  'a 429, which passes': async (bench) => {
    const failed = await failsOnce(bench, () => ({ kind: 'json', status: 429, value: { error: 'slow down' } }))
    assert.deepEqual([failed.status, failed.json], [429, { error: 'slow down' }])
  },

  'an answer that is not to be stored': async (bench) => {
    const failed = await failsOnce(bench, ({ attempt }) => {
      attempt?.doNotStore()
      return { kind: 'json', status: 200, value: { draft: true } }
    })
    assert.deepEqual([failed.status, failed.json], [200, { draft: true }])
  },

  NotApplied: async (bench) => {
    const failed = await failsOnce(bench, () => {
      throw new NotApplied('the bank is closed')
    })
    assertProblem(failed, 503, 'idempotency-not-applied')
  },
}

export const failures: Theme = { name: 'failures', checks: anyStyle }

export const brokenAnswers: Theme = {
  name: 'broken answers',
  styles: ['middleware'],
  checks: {
    'a stream that breaks after its first chunk': async (bench) => {
      const world = await bench.serve((_, calls) => {
        if (calls > 1) return created
        return { kind: 'broken', status: 200, chunk: new Uint8Array(10), type: 'text/plain' }
      })
      const headers = { 'idempotency-key': freshKey() }
      // An error page or a cut connection, as the framework has it; but never part of an answer that counts.
      const failed = await world.send({ headers }).catch(() => undefined)
      assert.ok(failed === undefined || failed.status >= 500, `status ${failed?.status}`)
      assert.equal(await world.effects(), 0)
      assert.equal((await world.send({ headers })).status, 201)
      assert.equal(await world.effects(), 1)
    },
  },
}
