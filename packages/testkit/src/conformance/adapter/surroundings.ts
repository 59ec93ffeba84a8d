/** What stands around the protection or inside it: compression, routers, and the protection itself. */

import assert from 'node:assert/strict'
import { assertProblem, assertReplay, type Check, created, freshKey, type Theme } from './bench.ts'
import type { Ending } from './site.ts'

const text = 'the same thing, once '.repeat(500)
const long: Ending = { kind: 'text', status: 200, text }

function compressed(compression: 'around' | 'inside'): Check {
  return async (bench) => {
    const world = await bench.serve(long, { compression })
    const key = { 'idempotency-key': freshKey() }
    const gzip = { ...key, 'accept-encoding': 'gzip' }
    const first = await world.send({ headers: gzip })
    const again = await world.send({ headers: gzip })
    const plain = await world.send({ headers: { ...key, 'accept-encoding': 'identity' } })
    for (const answer of [first, again, plain]) {
      assert.equal(answer.content.toString(), text)
      assert.equal(answer.header('content-type'), first.header('content-type'))
    }
    assert.equal(plain.header('content-encoding'), undefined)
    // The control: the server does compress.
    if (compression === 'around') assert.equal(first.header('content-encoding'), 'gzip')
    if (compression === 'around') assertReplay(first, again)
    assert.equal(world.calls, 1)
  }
}

export const surroundings: Theme = {
  name: 'surroundings',
  checks: {
    'compression around the protection': compressed('around'),

    'the paths of a router mounted twice are two': async (bench) => {
      const world = await bench.serve((_, calls) => ({ ...created, value: { calls } }))
      const first = { path: '/v1/orders', headers: { 'idempotency-key': freshKey() } }
      const second = { path: '/v2/orders', headers: { 'idempotency-key': freshKey() } }
      assert.deepEqual([(await world.send(first)).json, (await world.send(second)).json], [{ calls: 1 }, { calls: 2 }])
      assertProblem(await world.send({ ...first, path: '/v2/orders' }), 422, 'idempotency-key-reused')
      assert.equal((await world.send(first)).header('idempotent-replayed'), 'true')
      assert.equal(world.calls, 2)
    },
  },
}

export const surroundingsOfHandlers: Theme = {
  name: 'surroundings of a handler that writes',
  styles: ['middleware'],
  checks: {
    'compression inside the protection': compressed('inside'),

    'the same protection twice': async (bench) => {
      const world = await bench.serve(created, { protection: 'twice' })
      const headers = { 'idempotency-key': freshKey() }
      const first = await world.send({ headers })
      assert.equal(first.status, 201, first.body.toString())
      assert.deepEqual(first.all('idempotency-key'), [headers['idempotency-key']])
      assertReplay(first, await world.send({ headers }))
      assert.equal(world.calls, 1)
      assert.equal(await world.effects(), 1)
    },
  },
}
