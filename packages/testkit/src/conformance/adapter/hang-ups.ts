/** Clients that hang up, and clients that come at once: the effect happens once, and whoever comes later learns of it. */

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { soon, turns } from '../patience.ts'
import { assertProblem, type Bench, type Check, created, freshKey, type Theme, type World } from './bench.ts'
import type { Received } from './client.ts'
import type { Ending } from './site.ts'

/** The answer once the first attempt is over. */
async function settled(world: World, headers: Readonly<Record<string, string>>): Promise<Received> {
  const poll = async (): Promise<Received> => {
    for (;;) {
      const answer = await world.send({ headers })
      if (answer.status !== 409) return answer
      await turns(20)
    }
  }
  return soon('the first attempt settles', poll())
}

/** The client hangs up while the handler works, and the handler then answers with `ending`. */
async function hungUpOn(bench: Bench, ending: Ending): Promise<Received> {
  let arrived = (): void => undefined
  let go = (): void => undefined
  const working = new Promise<void>((resolve) => (arrived = resolve))
  const gone = new Promise<void>((resolve) => (go = resolve))
  const world = await bench.serve(async (_, calls) => {
    if (calls > 1) return created
    arrived()
    await gone
    return ending
  })
  const headers = { 'idempotency-key': freshKey() }
  const first = world.start({ headers })
  await soon('the handler is called', working)
  first.hangUp()
  // Until the server has noticed.
  await turns(50)
  go()
  const again = await settled(world, headers)
  assert.equal(again.header('idempotent-replayed'), 'true')
  assert.equal(again.status, ending.status)
  assert.equal(world.calls, 1)
  assert.equal(await world.effects(), 1)
  return again
}

const large = Buffer.alloc(3_000_000, 'reprise ')
const kept = { responseLimit: 4_000_000 }

const anyStyle: Record<string, Check> = {
  'while the handler works': async (bench) => {
    assert.deepEqual((await hungUpOn(bench, created)).json, { id: 'order-1' })
  },

  'while the handler works, which has no body to send': async (bench) => {
    await hungUpOn(bench, { kind: 'empty', status: 204 })
  },

  'in the middle of the answer': async (bench) => {
    const world = await bench.serve({ kind: 'bytes', status: 201, bytes: large, type: 'text/plain' }, { options: kept })
    const headers = { 'idempotency-key': freshKey() }
    const first = world.start({ headers })
    await soon('the head of the answer', first.head)
    first.hangUp()
    const again = await settled(world, headers)
    assert.deepEqual([again.status, again.body.equals(large)], [201, true])
    assert.equal(world.calls, 1)
  },

  'in the middle of the request': async (bench) => {
    const world = await bench.serve(created)
    const headers = { 'idempotency-key': freshKey(), 'content-length': '1000' }
    const first = world.start({ headers, body: Buffer.from('{"sku":') })
    await turns(50)
    first.hangUp()
    await turns(50)
    assert.equal(world.calls, 0)
  },

  'twenty at once': async (bench) => {
    const world = await bench.serve(async () => {
      await turns(20)
      return created
    })
    const headers = { 'idempotency-key': freshKey() }
    const answers = await Promise.all(Array.from({ length: 20 }, () => world.send({ headers })))
    const first = answers.filter(({ status }) => status === 201)
    assert.ok(first.length >= 1)
    for (const answer of answers) {
      if (answer.status === 201) assert.deepEqual(answer.body, first[0]?.body)
      else assert.ok(assertProblem(answer, 409, 'idempotency-in-progress').retryable)
    }
    assert.equal(world.calls, 1)
    assert.equal(await world.effects(), 1)
    assert.equal((await world.send({ headers })).header('idempotent-replayed'), 'true')
  },
}

export const hangUps: Theme = { name: 'hang-ups', checks: anyStyle }

const chunks = Array.from({ length: 8 }, () => new Uint8Array(50_000))

export const writtenHangUps: Theme = {
  name: 'hang-ups before a written answer',
  styles: ['middleware'],
  checks: {
    chunks: async (bench) => {
      const again = await hungUpOn(bench, { kind: 'chunks', status: 200, chunks, type: 'text/plain' })
      assert.equal(again.body.length, 400_000)
    },

    'a stream': async (bench) => {
      const again = await hungUpOn(bench, { kind: 'stream', status: 200, chunks, type: 'text/plain' })
      assert.equal(again.body.length, 400_000)
    },

    'a file': async (bench) => {
      const folder = await mkdtemp(join(tmpdir(), 'reprise-adapter-'))
      try {
        const path = join(folder, 'receipt.txt')
        await writeFile(path, Buffer.alloc(400_000))
        const again = await hungUpOn(bench, { kind: 'file', status: 200, path, type: 'text/plain' })
        assert.equal(again.body.length, 400_000)
      } finally {
        await rm(folder, { recursive: true })
      }
    },
  },
}
