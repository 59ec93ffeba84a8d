/** Requests and answers that are too large, and streams that never end. */

import assert from 'node:assert/strict'
import { assertProblem, assertReplay, type Check, created, freshKey, type Theme } from './bench.ts'
import type { Ending } from './site.ts'

const bytes = Buffer.alloc(5_000, 'x')
const large: Ending = { kind: 'bytes', status: 201, bytes, type: 'text/plain', headers: { location: '/orders/1' } }

function tooLarge(chunked: boolean): Check {
  return async (bench) => {
    const world = await bench.serve(created, { options: { requestLimit: 1_000 } })
    const headers = { 'idempotency-key': freshKey() }
    const body = { note: 'x'.repeat(200_000) }
    assertProblem(await world.send({ headers, body, chunked }), 413, 'request-body-too-large')
    assert.equal(world.calls, 0)
    assert.equal((await world.send({ headers })).status, 201, 'the key is free')
  }
}

export const limits: Theme = {
  name: 'limits',
  checks: {
    'a request over the limit': tooLarge(false),
    'a request over the limit that does not say how long it is': tooLarge(true),

    'an answer that is not kept is sent once, whole, and its effect stands': async (bench) => {
      const world = await bench.serve(large, { options: { responseLimit: 1_000 } })
      const headers = { 'idempotency-key': freshKey() }
      const first = await world.send({ headers })
      assert.deepEqual([first.status, first.body.equals(bytes)], [201, true])
      const again = await world.send({ headers })
      const problem = assertProblem(again, 409, 'idempotency-response-not-kept')
      assert.deepEqual([problem.outcome, again.header('location')], ['applied', '/orders/1'])
      assert.equal(world.calls, 1)
      assert.equal(await world.effects(), 1)
    },

    'an answer as large as the limit is kept': async (bench) => {
      const world = await bench.serve(large, { options: { responseLimit: bytes.length, responseBuffer: bytes.length } })
      const headers = { 'idempotency-key': freshKey() }
      assertReplay(await world.send({ headers }), await world.send({ headers }))
    },
  },
}

/** What can't be held back is refused: the outcome of a stream would be known only after it was sent. */
function refused(ending: Ending, reason: string): Check {
  return async (bench) => {
    const world = await bench.serve(ending, { options: { responseLimit: 1_000, responseBuffer: 2_000 } })
    const headers = { 'idempotency-key': freshKey() }
    for (const calls of [1, 2]) {
      const problem = assertProblem(await world.send({ headers }), 500, 'idempotency-response-too-large')
      assert.equal(problem.reason, reason)
      assert.equal(world.calls, calls)
      assert.equal(await world.effects(), 0)
    }
  }
}

export const unholdable: Theme = {
  name: 'answers that can not be held back',
  styles: ['middleware'],
  checks: {
    'an event stream': refused({ kind: 'events', status: 200 }, 'streams'),
    'bytes over the buffer': refused(large, 'too-large'),
    'chunks over the buffer': refused({ ...large, kind: 'chunks', chunks: [bytes, bytes] }, 'too-large'),
    'a stream over the buffer': refused({ ...large, kind: 'stream', chunks: [bytes, bytes] }, 'too-large'),
  },
}
