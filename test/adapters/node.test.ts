// What is node:http's own: chains of middlewares, errors that nobody answers, HTTP/2.
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { reply } from 'reprise'
import { attemptOf, idempotent } from 'reprise/node'
import { afterEach, expect, test, vi } from 'vitest'
import { aReprise, policy, under } from './given.ts'

const servers: Server[] = []
afterEach(() => {
  vi.restoreAllMocks()
  for (const server of servers.splice(0)) server.close().closeAllConnections()
})

async function served(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/orders`
}

const post = (url: string, key: string): Promise<Response> =>
  fetch(url, { method: 'POST', headers: under(key), body: '{"sku":"A-1"}' })

test('a middleware calls next once for each request that it lets through', async () => {
  const protect = idempotent(aReprise(), policy)
  let calls = 0
  const url = await served((request, response) => {
    protect(request, response, (error) => {
      calls++
      response.end(error === undefined ? `by ${attemptOf(request)?.principal}` : 'failed')
    })
  })
  for (const _ of [1, 2]) expect(await (await post(url, 'key')).text()).toBe('by alice')
  expect(calls).toBe(1)
})

test('an error that nobody answers is printed, and answered without telling', async () => {
  const print = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const secret = new Error('the password is 1234')
  const listeners = [
    () => {
      throw secret
    },
    () => Promise.reject(secret),
  ]
  for (const listener of listeners) {
    const answer = await post(await served(idempotent(aReprise(), policy).around(listener)), 'key')
    expect([answer.status, await answer.text()]).toEqual([500, 'Internal Server Error'])
    expect(answer.headers.get('idempotency-should-retry')).toBe('true')
  }
  const outcome = idempotent(aReprise(), policy, () => Promise.reject(secret))
  expect((await post(await served(outcome), 'key')).status).toBe(500)
  expect(print.mock.calls).toEqual([[secret], [secret], [secret]])
})

test('an error goes to next where there is one, and the handler does not run again', async () => {
  let calls = 0
  const protect = idempotent(aReprise(), policy).around(() => {
    calls++
    throw new Error('out of paper')
  })
  const url = await served((request, response) => {
    protect(request, response, (error) => response.writeHead(500).end((error as Error).message))
  })
  expect(await (await post(url, 'key')).text()).toBe('out of paper')
  expect(calls).toBe(1)
})

test('a safe method does not come to an outcome handler that needs a key', async () => {
  const handler = idempotent(aReprise(), policy, () => reply(200))
  const bare = await fetch(await served(handler))
  expect([bare.status, bare.headers.get('allow')]).toEqual([405, 'POST, PUT, PATCH, DELETE'])
  const chained = await fetch(
    await served((request, response) => handler(request, response, () => response.end('next'))),
  )
  expect(await chained.text()).toBe('next')
})

test('requests that come in one packet are answered one after the other', async () => {
  const handler = idempotent(aReprise(), policy).around((request, response) =>
    response.end(`${String(request.headers['x-n'])}\n`),
  )
  const { port } = new URL(await served(handler))
  const request = (n: number): string =>
    `POST /orders HTTP/1.1\r\nHost: x\r\nX-N: ${n}\r\nIdempotency-Key: ${n}\r\nContent-Length: 2\r\n${n === 3 ? 'Connection: close\r\n' : ''}\r\n{}`
  const socket = connect(Number(port), '127.0.0.1')
  socket.write([1, 2, 3].map(request).join(''))
  expect((await text(socket)).match(/^\d$/gm)).toEqual(['1', '2', '3'])
})

test('HTTP/2 is answered as well', async () => {
  const handler = idempotent(aReprise(), policy, (_attempt, request) => reply(201, { path: request.url }))
  const server = createHttp2Server(handler as never).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  try {
    for (const replayed of [undefined, 'true']) {
      const stream = session.request({ ':method': 'POST', ':path': '/orders', ...under('key') })
      stream.end('{"sku":"A-1"}')
      const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
      expect([headers[':status'], headers['idempotent-replayed'], await text(stream)]).toEqual([
        201,
        replayed,
        '{"path":"/orders"}',
      ])
    }
  } finally {
    session.destroy()
    server.close()
  }
})
