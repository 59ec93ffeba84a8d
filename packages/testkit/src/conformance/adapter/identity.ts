/** Which requests are the same: what a retry may spell differently, and what makes it another request. */

import assert from 'node:assert/strict'
import { assertProblem, assertReplay, type Check, created, freshKey, order, type Theme } from './bench.ts'
import type { Sent } from './client.ts'

/** `other` under the key of an order that is done: refused, and the record is as good as before. */
function isAnother(other: Sent, differs: string): Check {
  return async (bench) => {
    const world = await bench.serve(created)
    const headers = { 'idempotency-key': freshKey() }
    const first = await world.send({ headers })
    const problem = assertProblem(await world.send({ ...other, headers }), 422, 'idempotency-key-reused')
    assert.deepEqual(problem.mismatch, [differs])
    assertReplay(first, await world.send({ headers }))
    assert.equal(world.calls, 1)
    assert.equal(await world.effects(), 1)
  }
}

/** `again` is the same request as `first`. */
function isTheSame(first: string, again: string): Check {
  return async (bench) => {
    const world = await bench.serve(created)
    const headers = { 'idempotency-key': freshKey() }
    const done = await world.send({ headers, body: Buffer.from(first) })
    assertReplay(done, await world.send({ headers, body: Buffer.from(again) }))
    assert.equal(world.calls, 1)
  }
}

export const identity: Theme = {
  name: 'identity',
  checks: {
    'another body': isAnother({ body: { ...order, quantity: 3 } }, 'body'),
    'another query': isAnother({ path: '/v1/orders?dry=1' }, 'target'),
    'another path': isAnother({ path: '/v2/orders' }, 'target'),
    'another method': isAnother({ method: 'PUT' }, 'method'),

    'members of JSON in another order': isTheSame('{"a":1,"b":[1,2]}', '{ "b": [1, 2], "a": 1 }'),
    'numbers of JSON in another spelling': isTheSame('{"a":1,"b":100}', '{"a":1.0,"b":1e2}'),
    'strings of JSON in another spelling': isTheSame('{"a":"é"}', '{"a":"\\u00e9"}'),

    'a body of another length of the same value': async (bench) => {
      const world = await bench.serve(created)
      const headers = { 'idempotency-key': freshKey() }
      const first = await world.send({ headers })
      assertReplay(first, await world.send({ headers, chunked: true }))
      assert.equal(world.calls, 1)
    },

    'the same key of another principal': async (bench) => {
      const world = await bench.serve((_, calls) => ({ ...created, value: { calls } }))
      const key = { 'idempotency-key': freshKey() }
      const alice = await world.send({ headers: { ...key, 'x-principal': 'alice' } })
      const bob = await world.send({ headers: { ...key, 'x-principal': 'bob' } })
      assert.deepEqual([alice.json, bob.json], [{ calls: 1 }, { calls: 2 }])
      assertReplay(alice, await world.send({ headers: { ...key, 'x-principal': 'alice' } }))
      assert.equal(world.calls, 2)
    },

    'the same request under another key': async (bench) => {
      const world = await bench.serve(created)
      for (const _ of [1, 2]) await world.send({ headers: { 'idempotency-key': freshKey() } })
      assert.equal(world.calls, 2)
      assert.equal(await world.effects(), 2)
    },

    'a request without a body': async (bench) => {
      const world = await bench.serve(created)
      const headers = { 'idempotency-key': freshKey() }
      const first = await world.send({ method: 'DELETE', headers, body: Buffer.alloc(0) })
      assertReplay(first, await world.send({ method: 'DELETE', headers, body: Buffer.alloc(0) }))
      assert.equal(world.calls, 1)
    },

    'a body that the handler changes': async (bench) => {
      const world = await bench.serve(({ body }) => {
        Object.assign(body as object, { sku: 'changed', added: true })
        return created
      })
      const headers = { 'idempotency-key': freshKey() }
      const first = await world.send({ headers })
      assertReplay(first, await world.send({ headers }))
      assert.equal(world.calls, 1)
    },
  },
}

/** The handler finds the body, whoever parses it and whenever. */
export const bodies: Theme = {
  name: 'bodies',
  checks: Object.fromEntries(
    (['after', 'before'] as const).map((parsing): [string, Check] => [
      `parsed ${parsing} the protection`,
      async (bench) => {
        const seen: unknown[] = []
        const world = await bench.serve(
          ({ body }) => {
            seen.push(body)
            return created
          },
          { parsing },
        )
        // Longer than one packet and than the buffer of a stream.
        const large = { ...order, note: 'ä'.repeat(100_000) }
        for (const body of [order, large]) {
          for (const chunked of [false, true]) {
            const headers = { 'idempotency-key': freshKey() }
            const first = await world.send({ headers, body, chunked })
            assertReplay(first, await world.send({ headers, body, chunked }))
          }
        }
        assert.deepEqual(seen, [order, order, large, large])
      },
    ]),
  ),
}
