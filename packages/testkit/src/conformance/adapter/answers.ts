/** Whatever a handler answers, every later answer is the same, and the effect has happened once. */

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assertReplay, type Bench, type Check, freshKey, type Theme } from './bench.ts'
import type { Received } from './client.ts'
import type { Ending } from './site.ts'

/** Every byte there is, so that whoever decodes and encodes again is found out. */
export const everyByte: Uint8Array = Uint8Array.from({ length: 512 }, (_, i) => i % 256)

/** Sends the same request three times: the first answer, and that both others are its replay. */
async function answeredOnce(bench: Bench, ending: Ending): Promise<Received> {
  const world = await bench.serve(ending)
  const headers = { 'idempotency-key': freshKey() }
  const first = await world.send({ headers })
  assert.equal(first.status, ending.status, first.body.toString())
  assertReplay(first, await world.send({ headers }))
  assertReplay(first, await world.send({ headers }))
  assert.equal(world.calls, 1)
  assert.equal(await world.effects(), ending.status < 400 ? 1 : 0)
  return first
}

function answers(ending: Ending, body: string | Uint8Array): Check {
  return async (bench) => {
    const first = await answeredOnce(bench, ending)
    assert.deepEqual(first.body, Buffer.from(body as string))
  }
}

const json = (value: unknown): Check => {
  return async (bench) => {
    const first = await answeredOnce(bench, { kind: 'json', status: 201, value })
    assert.deepEqual(JSON.parse(first.body.toString()), value)
    assert.match(first.header('content-type') ?? '', /^application\/json\b/)
  }
}

const plain: Record<string, Check> = {
  JSON: json({ id: 'order-1', total: 12.5, note: 'für Zoë' }),
  'JSON null': json(null),
  'JSON 0': json(0),
  'JSON false': json(false),
  'JSON ""': json(''),
  text: answers({ kind: 'text', status: 200, text: 'grüezi' }, 'grüezi'),
  '201 without a body': answers({ kind: 'empty', status: 201 }, ''),
  bytes: answers({ kind: 'bytes', status: 200, bytes: everyByte, type: 'application/pdf' }, everyByte),

  '204 without a body': async (bench) => {
    const first = await answeredOnce(bench, { kind: 'empty', status: 204 })
    assert.equal(first.body.length, 0)
    assert.equal(first.header('content-length'), undefined)
  },

  'a redirect, with its Location': async (bench) => {
    const first = await answeredOnce(bench, { kind: 'redirect', status: 303, location: '/orders/1' })
    assert.equal(first.header('location'), '/orders/1')
  },

  'a refusal, whose effect is undone': async (bench) => {
    const value = { error: 'insufficient funds' }
    const first = await answeredOnce(bench, { kind: 'json', status: 402, value })
    assert.deepEqual(first.json, value)
  },

  'headers that describe the answer': async (bench) => {
    const described = { etag: '"v1"', location: '/orders/1', 'content-language': 'en', link: '</orders>; rel="up"' }
    const first = await answeredOnce(bench, { kind: 'json', status: 201, value: {}, headers: described })
    for (const [name, value] of Object.entries(described)) assert.equal(first.header(name), value)
  },

  'cookies once, each on its own line, and never again': async (bench) => {
    const cookies = ['session=a; Path=/', 'theme=dark; Path=/']
    const world = await bench.serve({ kind: 'cookies', status: 201, cookies, value: { id: 1 } })
    const headers = { 'idempotency-key': freshKey() }
    const first = await world.send({ headers })
    assert.deepEqual(first.all('set-cookie'), cookies)
    const again = await world.send({ headers })
    assertReplay(first, again)
    assert.deepEqual(again.all('set-cookie'), [])
    assert.equal(world.calls, 1)
  },

  'headers that the middlewares around have set, on every answer': async (bench) => {
    const world = await bench.serve({ kind: 'json', status: 201, value: {} })
    const headers = { 'idempotency-key': freshKey() }
    for (const sent of [{ headers }, { headers }, { headers, body: { other: true } }, {}]) {
      assert.deepEqual((await world.send(sent)).all('x-around'), ['yes'])
    }
  },
}

export const answersOfAnyKind: Theme = { name: 'answers', checks: plain }

const chunks = [everyByte, everyByte.subarray(100, 300), new Uint8Array([0])]
const joined = Buffer.concat(chunks)

export const writtenAnswers: Theme = {
  name: 'written answers',
  styles: ['middleware'],
  checks: {
    chunks: answers({ kind: 'chunks', status: 200, chunks, type: 'application/octet-stream' }, joined),
    'a stream': answers({ kind: 'stream', status: 200, chunks, type: 'application/octet-stream' }, joined),
    'a stream of nothing': answers({ kind: 'stream', status: 200, chunks: [], type: 'text/csv' }, ''),

    'a file': async (bench) => {
      const folder = await mkdtemp(join(tmpdir(), 'reprise-adapter-'))
      try {
        const path = join(folder, 'receipt.txt')
        const content = Buffer.alloc(300_000, everyByte)
        await writeFile(path, content)
        const first = await answeredOnce(bench, { kind: 'file', status: 200, path, type: 'text/plain' })
        assert.deepEqual(first.body, content)
      } finally {
        await rm(folder, { recursive: true })
      }
    },
  },
}
