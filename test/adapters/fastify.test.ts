// What is Fastify's own: hooks, parsers, schemas, error handlers, HTTP/2, and injected requests.
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import compress from '@fastify/compress'
import fastify, { type FastifyInstance } from 'fastify'
import { NotApplied, reply } from 'reprise'
import { attemptOf, idempotent } from 'reprise/fastify'
import type { MemoryTx } from 'reprise/memory'
import { describe, expect, test } from 'vitest'
import { aReprise, policy, under } from './given.ts'

const payload = '{"sku":"A-1","quantity":2}'

async function twice(app: FastifyInstance, sent: { headers?: Record<string, string>; payload?: string | Buffer } = {}) {
  const inject = () => app.inject({ method: 'POST', url: '/orders', headers: under('key'), payload, ...sent })
  const first = await inject()
  const again = await inject()
  expect(again.headers['idempotent-replayed'], again.body).toBe('true')
  expect([again.statusCode, again.rawPayload]).toEqual([first.statusCode, first.rawPayload])
  expect(again.headers['content-type']).toBe(first.headers['content-type'])
  return first
}

describe('the body', () => {
  test('is heard whole although a later hook takes its time', async () => {
    const app = fastify()
    const protect = idempotent(aReprise(), policy)
    const slow = async () => {
      await new Promise((resolve) => setImmediate(resolve))
    }
    app.post('/orders', { ...protect, preParsing: [protect.preParsing, slow] }, async (request) => request.body)
    expect((await twice(app)).json()).toEqual(JSON.parse(payload))
    const other = await app.inject({ method: 'POST', url: '/orders', headers: under('key'), payload: '{}' })
    expect(other.statusCode).toBe(422)
  })

  test('over the limit of Fastify is answered by Fastify', async () => {
    const app = fastify()
    app.post('/orders', { ...idempotent(aReprise(), policy), bodyLimit: 5 }, async () => 'done')
    const answer = await app.inject({ method: 'POST', url: '/orders', headers: under('key'), payload })
    expect([answer.statusCode, answer.json().code]).toEqual([413, 'FST_ERR_CTP_BODY_TOO_LARGE'])
  })

  test('of a type without a parser is answered by Fastify, and the key stays free', async () => {
    const app = fastify()
    app.post('/orders', idempotent(aReprise(), policy), async () => 'done')
    const sent = { method: 'POST', url: '/orders', payload } as const
    const refused = await app.inject({ ...sent, headers: under('key', { 'content-type': 'text/csv' }) })
    expect(refused.statusCode).toBe(415)
    expect((await app.inject({ ...sent, headers: under('key') })).statusCode).toBe(200)
  })

  test('that a parser leaves to the handler is there for the handler', async () => {
    const app = fastify()
    app.addContentTypeParser('text/csv', (_request, _payload, done) => done(null))
    app.post('/orders', idempotent(aReprise(), policy), async (request) => text(request.raw))
    const headers = under('key', { 'content-type': 'text/csv' })
    expect((await twice(app, { headers, payload: 'a,b' })).body).toBe('a,b')
    const other = await app.inject({ method: 'POST', url: '/orders', headers, payload: 'a,c' })
    expect(other.statusCode).toBe(422)
  })

  test('that a plugin decompresses is the same however well it was compressed', async () => {
    const app = fastify()
    await app.register(compress)
    app.post('/orders', idempotent(aReprise(), policy), async (request) => request.body)
    const headers = under('key', { 'content-encoding': 'gzip' })
    const long = JSON.stringify({ note: 'the same thing '.repeat(100) })
    const send = (level: number) =>
      app.inject({ method: 'POST', url: '/orders', headers, payload: gzipSync(long, { level }) })
    expect((await send(1)).json()).toEqual(JSON.parse(long))
    expect((await send(9)).headers['idempotent-replayed']).toBe('true')
  })

  test('is optional, and so is its type', async () => {
    const app = fastify()
    app.post('/orders', idempotent(aReprise(), policy), async () => 'done')
    const headers = { 'idempotency-key': 'key' }
    const inject = () => app.inject({ method: 'POST', url: '/orders', headers })
    expect([(await inject()).statusCode, (await inject()).headers['idempotent-replayed']]).toEqual([200, 'true'])
  })
})

describe('the answer', () => {
  test('goes through the hooks of the application, the first time and again', async () => {
    for (const style of ['middleware', 'outcome']) {
      const app = fastify()
      let hooks = 0
      app.addHook('onSend', async (_request, reply, sent) => {
        await new Promise((resolve) => setImmediate(resolve))
        hooks++
        reply.header('x-hook', 'yes')
        return sent
      })
      if (style === 'outcome')
        app.post(
          '/orders',
          idempotent(aReprise(), policy, () => reply(200, 'done')),
        )
      else app.post('/orders', idempotent(aReprise(), policy), async () => 'done')
      const first = await twice(app)
      expect([first.headers['x-hook'], first.body, hooks]).toEqual(['yes', 'done', 2])
    }
  })

  test('is serialised by its schema once', async () => {
    const app = fastify()
    const schema = { response: { 201: { type: 'object', properties: { id: { type: 'string' } } } } }
    app.post('/orders', { ...idempotent(aReprise(), policy), schema }, async (_request, reply) => {
      reply.code(201)
      return { id: 7, secret: 'left out' }
    })
    expect((await twice(app)).body).toBe('{"id":"7"}')
  })

  test('keeps its type, be it without a charset or missing', async () => {
    const app = fastify()
    app.post('/orders', idempotent(aReprise(), policy), async (request, reply) => {
      if (request.headers['x-kind'] === 'stream') return reply.send(Readable.from([Buffer.from('bytes')]))
      return reply.type('application/vnd.api+json').send(Buffer.from('{"a":1}'))
    })
    expect((await twice(app)).headers['content-type']).toBe('application/vnd.api+json')
    const untyped = await twice(app, { headers: under('another', { 'x-kind': 'stream' }) })
    expect([untyped.headers['content-type'], untyped.body]).toEqual([undefined, 'bytes'])
  })

  test('of an error handler is the handler’s answer', async () => {
    const app = fastify()
    app.setErrorHandler((error, _request, reply) => reply.code(402).send({ error: (error as Error).message }))
    let calls = 0
    app.post('/orders', idempotent(aReprise(), policy), async () => {
      calls++
      throw new Error('insufficient funds')
    })
    expect((await twice(app)).json()).toEqual({ error: 'insufficient funds' })
    expect(calls).toBe(1)
  })

  test('to NotApplied is a problem, whatever the error handler makes of it', async () => {
    const app = fastify()
    app.setErrorHandler((_error, _request, reply) => reply.code(418).header('x-mine', 'yes').send('teapot'))
    app.post('/orders', idempotent(aReprise(), { ...policy, guarantee: 'guarded' }), async () => {
      await new Promise((resolve) => setImmediate(resolve))
      throw new NotApplied('the bank is closed')
    })
    for (const _ of [1, 2]) {
      const answer = await app.inject({ method: 'POST', url: '/orders', headers: under('key'), payload })
      expect([answer.statusCode, answer.json().code]).toEqual([503, 'idempotency-not-applied'])
      expect(answer.headers['x-mine']).toBeUndefined()
    }
  })
})

test('hooks of the route run before the claim where they are listed before it', async () => {
  const app = fastify()
  const protect = idempotent(aReprise(), policy)
  let calls = 0
  const authorize = async (request: { headers: Record<string, unknown> }) => {
    if (request.headers['x-token'] !== 'valid') throw Object.assign(new Error('no'), { statusCode: 401 })
  }
  app.post('/orders', { ...protect, preHandler: [authorize, protect.preHandler] }, async () => ({ calls: ++calls }))
  const sent = { method: 'POST', url: '/orders', payload } as const
  expect((await app.inject({ ...sent, headers: under('key') })).statusCode).toBe(401)
  expect((await twice(app, { headers: under('key', { 'x-token': 'valid' }) })).json()).toEqual({ calls: 1 })
  expect((await app.inject({ ...sent, headers: under('key') })).statusCode).toBe(401)
})

test('the handler finds its attempt, and nobody finds it afterwards', async () => {
  const app = fastify()
  const reprise = aReprise()
  const seen: unknown[] = []
  app.addHook('onResponse', async (request) => {
    seen.push(attemptOf(request))
  })
  app.post('/orders', idempotent(reprise, policy), async (request) => {
    const attempt = attemptOf<MemoryTx>(request)
    attempt?.tx.set('order', 'placed')
    return { key: attempt?.key, principal: attempt?.principal }
  })
  expect((await twice(app)).json()).toEqual({ key: 'key', principal: 'alice' })
  expect(seen).toEqual([undefined, undefined])
})

test('HTTP/2 is answered as well', async () => {
  const app = fastify({ http2: true })
  app.post('/orders', idempotent(aReprise(), policy) as never, async (request) => request.body)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const session = connectHttp2(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
  try {
    for (const replayed of [undefined, 'true']) {
      const stream = session.request({ ':method': 'POST', ':path': '/orders', ...under('key') })
      stream.end(payload)
      const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
      expect([headers[':status'], headers['idempotent-replayed'], await text(stream)]).toEqual([200, replayed, payload])
    }
  } finally {
    session.destroy()
    await app.close()
  }
})
