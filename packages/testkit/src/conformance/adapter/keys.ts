/** The key's header field: what counts as a key, and that one which does not is never run unprotected. */

import assert from 'node:assert/strict'
import { assertProblem, assertReplay, type Check, created, freshKey, type Theme } from './bench.ts'

function refused(key: string | readonly string[] | undefined, code: string): Check {
  return async (bench) => {
    const world = await bench.serve(created)
    const answer = await world.send(key === undefined ? {} : { headers: { 'idempotency-key': key } })
    assertProblem(answer, 400, code)
    assert.equal(answer.header('idempotency-key'), undefined)
    assert.equal(world.calls, 0)
  }
}

export const keys: Theme = {
  name: 'keys',
  checks: {
    'no key': refused(undefined, 'idempotency-key-missing'),
    'an empty key': refused('', 'idempotency-key-invalid'),
    'a key that is no String': refused('"not closed', 'idempotency-key-invalid'),
    'a key that is too long': refused('k'.repeat(256), 'idempotency-key-invalid'),
    'a list of keys': refused('one, two', 'idempotency-key-invalid'),
    'two lines': refused(['one', 'two'], 'idempotency-key-invalid'),
    'two lines with the same key': refused(['one', 'one'], 'idempotency-key-invalid'),

    'a quoted key is the same as a bare one': async (bench) => {
      const world = await bench.serve(created)
      const key = freshKey()
      const bare = await world.send({ headers: { 'idempotency-key': key } })
      const quoted = await world.send({ headers: { 'idempotency-key': `"${key}"` } })
      assert.deepEqual(quoted.body, bare.body)
      assert.equal(quoted.header('idempotent-replayed'), 'true')
      assert.equal(world.calls, 1)
    },

    'the key is echoed as proof of protection, with the end of its retention': async (bench) => {
      const world = await bench.serve(created)
      const key = freshKey()
      const headers = { 'idempotency-key': key }
      const first = await world.send({ headers })
      const again = await world.send({ headers })
      for (const answer of [first, again]) {
        assert.deepEqual(answer.all('idempotency-key'), [key])
        assert.match(answer.header('idempotency-expires') ?? '', /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/)
      }
      assertReplay(first, again)
    },

    'where the key is optional, a request without one runs unprotected': async (bench) => {
      const world = await bench.serve(
        ({ attempt }) => ({ ...created, value: { attempt: attempt === undefined ? 'none' : 'one' } }),
        { options: { key: 'optional' } },
      )
      for (const calls of [1, 2]) {
        const answer = await world.send()
        assert.deepEqual([answer.status, answer.json, world.calls], [201, { attempt: 'none' }, calls])
        assert.equal(answer.header('idempotency-key'), undefined)
      }
      const headers = { 'idempotency-key': freshKey() }
      const first = await world.send({ headers })
      assert.deepEqual(first.json, { attempt: 'one' })
      assertReplay(first, await world.send({ headers }))
      assert.equal(world.calls, 3)
    },

    'safe methods ignore the key': async (bench) => {
      const world = await bench.serve(created, { options: { key: 'optional' } })
      const headers = { 'idempotency-key': freshKey() }
      let calls = 0
      for (const method of ['GET', 'HEAD', 'OPTIONS', 'GET']) {
        const answer = await world.send({ method, headers })
        calls++
        assert.deepEqual([method, answer.status, world.calls], [method, 201, calls])
        assert.equal(answer.header('idempotency-key'), undefined)
        assert.equal(answer.header('idempotent-replayed'), undefined)
      }
    },

    'headers of a client that look like ours change nothing': async (bench) => {
      const world = await bench.serve(created)
      const headers = {
        'idempotency-key': freshKey(),
        'idempotent-replayed': 'true',
        'idempotency-expires': 'never',
        'x-hit': 'true',
      }
      const first = await world.send({ headers })
      assert.deepEqual([first.status, world.calls], [201, 1])
      assertReplay(first, await world.send({ headers }))
      assert.equal(world.calls, 1)
    },
  },
}
