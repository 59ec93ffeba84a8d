import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { RequestBody } from '../../http/request.ts'
import { readBody } from './body.ts'
import type { MountedRequest } from './mounted-request.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A request as the server has it, and the socket that it is sent on. */
async function arrival(head: string, body = ''): Promise<{ request: MountedRequest; socket: Socket }> {
  const server: Server = createServer()
  closing.push(
    () => server.closeAllConnections(),
    () => server.close(),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => undefined)
  closing.push(() => socket.destroy())
  socket.write(`POST / HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n${body}`)
  const [request] = (await once(server, 'request')) as [IncomingMessage]
  return { request, socket }
}

function text(body: RequestBody): string {
  expect(body.kind).toBe('bytes')
  return Buffer.from(body.kind === 'bytes' ? body.bytes : []).toString()
}

const byListening = (request: Readable): Promise<string> =>
  new Promise((resolve) => {
    let read = ''
    request.on('data', (chunk) => (read += chunk)).on('end', () => resolve(read))
  })

const readers: Record<string, (request: Readable) => Promise<string>> = {
  'data and end': byListening,
  'for await': async (request) => {
    let read = ''
    for await (const chunk of request) read += chunk
    return read
  },
  pipe: (request) => byListening(request.pipe(new PassThrough())),
  pipeline: async (request) => {
    const through = new PassThrough()
    const [read] = await Promise.all([byListening(through), pipeline(request, through)])
    return read
  },
  'readable and read': (request) =>
    new Promise((resolve) => {
      let read = ''
      request.on('end', () => resolve(read))
      request.on('readable', () => {
        for (let chunk = request.read(); chunk !== null; chunk = request.read()) read += chunk
      })
    }),
  'a web stream': (request) => new Response(Readable.toWeb(request) as ReadableStream).text(),
}

const large = 'x'.repeat(200_000)

describe('a body that has been read', () => {
  test.for(Object.keys(readers))('is there again for %s', async (reader) => {
    for (const body of ['{"sku":"A-1"}', large]) {
      for (const [head, sent] of [
        [`Content-Length: ${body.length}`, body],
        ['Transfer-Encoding: chunked', `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`],
      ] as const) {
        const { request } = await arrival(head, sent)
        expect(text(await readBody(request, 1_000_000))).toBe(body)
        expect(await readers[reader]?.(request)).toBe(body)
      }
    }
  })

  test.for(Object.keys(readers))('and was empty ends for %s', async (reader) => {
    for (const [head, sent] of [
      ['Content-Length: 0', ''],
      ['X-Nothing: none', ''],
      ['Transfer-Encoding: chunked', '0\r\n\r\n'],
    ] as const) {
      const { request } = await arrival(head, sent)
      expect(text(await readBody(request, 1000))).toBe('')
      expect(await readers[reader]?.(request)).toBe('')
    }
  })

  test('is there again when it came in pieces', async () => {
    const { request, socket } = await arrival('Content-Length: 10', '12345')
    const body = readBody(request, 1000)
    await new Promise((resolve) => setImmediate(resolve))
    socket.write('678')
    await new Promise((resolve) => setImmediate(resolve))
    socket.write('90')
    expect(text(await body)).toBe('1234567890')
    expect(await byListening(request)).toBe('1234567890')
  })

  test('is there again when its end came later than its bytes, and empty', async () => {
    for (const first of ['3\r\nabc\r\n', '']) {
      const { request, socket } = await arrival('Transfer-Encoding: chunked', first)
      const body = readBody(request, 1000)
      await new Promise((resolve) => setImmediate(resolve))
      socket.write('0\r\n\r\n')
      const expected = first === '' ? '' : 'abc'
      expect(text(await body)).toBe(expected)
      expect(await byListening(request)).toBe(expected)
    }
  })

  test('may be read again by a second protection', async () => {
    const { request } = await arrival('Content-Length: 3', 'abc')
    expect(text(await readBody(request, 1000))).toBe('abc')
    expect(text(await readBody(request, 1000))).toBe('abc')
    expect(await byListening(request)).toBe('abc')
  })
})

test('a body of as many bytes as the limit is taken, one of more is not', async () => {
  for (const [head, sent] of [
    ['Content-Length: 5', '12345'],
    ['Transfer-Encoding: chunked', '5\r\n12345\r\n0\r\n\r\n'],
  ] as const) {
    expect(text(await readBody((await arrival(head, sent)).request, 5))).toBe('12345')
    expect(await readBody((await arrival(head, sent)).request, 4)).toEqual({ kind: 'too-large' })
  }
})

test('a body that is cut off is incomplete', async () => {
  const { request, socket } = await arrival('Content-Length: 10', '12345')
  const body = readBody(request, 1000)
  await new Promise((resolve) => setImmediate(resolve))
  socket.destroy()
  expect(await body).toEqual({ kind: 'incomplete' })
  expect(await readBody(request, 1000)).toEqual({ kind: 'incomplete' })
})

describe('a body that a parser has read', () => {
  async function parsed(left: Partial<MountedRequest>): Promise<MountedRequest> {
    const { request } = await arrival('Content-Length: 3', '{ }')
    await byListening(request)
    return Object.assign(request, left)
  }

  test('is what the parser kept of its bytes', async () => {
    expect(text(await readBody(await parsed({ rawBody: Buffer.from('{ }'), body: {} }), 1000))).toBe('{ }')
    expect(text(await readBody(await parsed({ rawBody: '{ }' }), 1000))).toBe('{ }')
    expect(await readBody(await parsed({ rawBody: '{ }' }), 2)).toEqual({ kind: 'too-large' })
  })

  test('or what it made of them', async () => {
    expect(await readBody(await parsed({ body: { sku: 'A-1' } }), 1000)).toEqual({
      kind: 'parsed',
      value: { sku: 'A-1' },
    })
    expect(await readBody(await parsed({ body: null }), 1000)).toEqual({ kind: 'parsed', value: null })
  })

  test('and left nothing of is an error', async () => {
    const request = await parsed({})
    expect(() => readBody(request, 1000)).toThrow(expect.objectContaining({ code: 'body-consumed' }))
  })
})

test('a request that is made of a function event, complete from the start, is read', async () => {
  const request = new Readable({
    read() {
      this.push('{"sku":"A-1"}')
      this.push(null)
    },
  })
  Object.assign(request, { headers: { 'content-length': '13' }, httpVersionMajor: 1, complete: true })
  expect(text(await readBody(request as MountedRequest, 1000))).toBe('{"sku":"A-1"}')
  expect(await byListening(request)).toBe('{"sku":"A-1"}')
})

test('a body of HTTP/2 is read without a length, and there again', async () => {
  const server = createHttp2Server()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  closing.push(
    () => server.close(),
    () => session.destroy(),
  )
  for (const body of ['', '{"sku":"A-1"}', large]) {
    const stream = session.request({ ':method': 'POST' })
    stream.end(body)
    const [request] = (await once(server, 'request')) as [Readable & MountedRequest]
    expect(text(await readBody(request, 1_000_000))).toBe(body)
    expect(await byListening(request)).toBe(body)
    stream.destroy()
  }
})
