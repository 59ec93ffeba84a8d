// What is Express's own: routers, file streams, parsers that keep the bytes.
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express, { type Express } from 'express'
import { createReprise } from 'reprise'
import { attemptOf, idempotent } from 'reprise/express'
import { memory } from 'reprise/memory'
import { afterEach, expect, test } from 'vitest'
import { aReprise, policy, under } from './given.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections()
})

async function served(app: Express): Promise<string> {
  app.set('env', 'test')
  const server = createServer(app).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const post = (url: string, key: string, body = '{"sku":"A-1"}'): Promise<Response> =>
  fetch(url, { method: 'POST', headers: under(key), body })

test('a file is read to its end although the connection breaks while it is read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-express-'))
  try {
    const path = join(folder, 'receipt.txt')
    await writeFile(path, Buffer.alloc(1_000_000, 'x'))
    const app = express()
    app.post('/orders', idempotent(aReprise(), policy), (request, response) => {
      response.once('pipe', (file) => file.once('data', () => request.socket.destroy()))
      response.sendFile(path)
    })
    const url = `${await served(app)}/orders`
    await expect(post(url, 'key')).rejects.toThrow('fetch failed')
    let again = await post(url, 'key')
    while (again.status === 409) again = await post(url, 'key')
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([200, 'true'])
    expect((await again.arrayBuffer()).byteLength).toBe(1_000_000)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('two protections with stores of their own on one request claim once', async () => {
  const [outer, inner] = [memory(), memory()]
  const app = express()
  const protect = (store: typeof outer) => idempotent(createReprise({ store, principal: () => 'alice' }), policy)
  let calls = 0
  app.use(protect(outer))
  app.post('/orders', protect(inner), (request, response) => {
    attemptOf<{ set(key: string, value: unknown): void }>(request)?.tx.set('order', 'placed')
    response.json({ calls: ++calls })
  })
  const url = `${await served(app)}/orders`
  expect(await (await post(url, 'key')).json()).toEqual({ calls: 1 })
  expect(await (await post(url, 'key')).json()).toEqual({ calls: 1 })
  expect([outer.usage().records, inner.usage().records, outer.data.get('order')]).toEqual([1, 0, 'placed'])
})

test('a parser that keeps the bytes lets the fingerprint see them', async () => {
  const app = express()
  app.use(
    express.json({
      verify: (request, _response, bytes) => {
        ;(request as { rawBody?: Buffer }).rawBody = bytes
      },
    }),
  )
  app.post('/orders', idempotent(aReprise(), policy), (request, response) => {
    response.json(request.body)
  })
  const url = `${await served(app)}/orders`
  // As numbers of JavaScript these two are one.
  expect((await post(url, 'key', '{"amount":9007199254740992}')).status).toBe(200)
  expect((await post(url, 'key', '{"amount":9007199254740993}')).status).toBe(422)
})

test('a body that nobody can see any more is an error of the setup, and nothing runs', async () => {
  const app = express()
  app.use((request, _response, next) => {
    request.resume().on('end', next)
  })
  let calls = 0
  app.post('/orders', idempotent(aReprise(), policy), (_request, response) => {
    calls++
    response.end()
  })
  app.use(((error, _request, response, _next) => {
    response.status(500).json({ code: error.code })
  }) as express.ErrorRequestHandler)
  const answer = await post(`${await served(app)}/orders`, 'key')
  expect([answer.status, await answer.json(), calls]).toEqual([500, { code: 'body-consumed' }, 0])
})

test('a path that nobody serves is a refusal like any other', async () => {
  const app = express()
  app.use(idempotent(aReprise(), policy))
  const url = `${await served(app)}/nowhere`
  expect((await post(url, 'key')).status).toBe(404)
  const again = await post(url, 'key')
  expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([404, 'true'])
})

test('an error of the principal goes to the error handlers', async () => {
  const app = express()
  const reprise = createReprise({
    store: memory(),
    principal: () => {
      throw new Error('no session')
    },
  })
  app.post('/orders', idempotent(reprise, policy), (_request, response) => {
    response.end()
  })
  app.use(((error, _request, response, _next) => {
    response.status(500).send(error.message)
  }) as express.ErrorRequestHandler)
  expect(await (await post(`${await served(app)}/orders`, 'key')).text()).toBe('no session')
})
