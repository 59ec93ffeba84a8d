import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { finished, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import type { Captured } from '../../http/answer.ts'
import { Capture } from './capture.ts'
import { send } from './send.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

type Handler = (response: ServerResponse) => unknown

interface Held {
  readonly response: ServerResponse
  readonly capture: Capture
  /** The client's side. */
  readonly answer: Promise<IncomingMessage>
  /** Sends what was captured. */
  readonly release: (captured?: Captured) => void
  readonly hangUp: () => Promise<void>
}

/** Holds back what `handler` writes, until the test releases it. */
async function held(handler: Handler, limitBytes = 1000, around: Handler = () => undefined): Promise<Held> {
  const server = createServer()
  closing.push(
    () => server.closeAllConnections(),
    () => server.close(),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const request = get({ port: (server.address() as AddressInfo).port, agent: false })
  const answer = new Promise<IncomingMessage>((resolve, reject) => request.on('response', resolve).on('error', reject))
  answer.catch(() => undefined)
  const [, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse]
  around(response)
  const capture = new Capture(response, limitBytes)
  handler(response)
  return {
    response,
    capture,
    answer,
    release: (captured) => {
      capture.release()
      if (captured?.kind === 'response') send(response, captured, [], 'alone', capture.own)
      capture.sent()
    },
    hangUp: async () => {
      request.destroy()
      await new Promise((resolve) => response.req.on('close', resolve))
    },
  }
}

/** What the capture makes of what the handler writes. */
async function captured(handler: Handler, limitBytes?: number): Promise<Captured> {
  return (await held(handler, limitBytes)).capture.result()
}

function body(response: Captured): string | null {
  if (response.kind !== 'response') throw new Error(`not a response: ${response.kind}`)
  return response.body === null ? null : Buffer.from(response.body).toString('latin1')
}

describe('what a handler writes', () => {
  test.for<[string, Handler, string | null]>([
    ['end', (response) => response.end(), null],
    ['end with a callback', (response) => response.end(() => undefined), null],
    ['end with text', (response) => response.end('text'), 'text'],
    ['end with text in another encoding', (response) => response.end('é', 'latin1'), '\xe9'],
    ['end with hex', (response) => response.end('00ff', 'hex'), '\x00\xff'],
    ['end with bytes', (response) => response.end(new Uint8Array([0, 255])), '\x00\xff'],
    ['end with no bytes', (response) => response.end(Buffer.alloc(0)), ''],
    ['end with null', (response) => response.end(null), null],
    ['write and end', (response) => response.writeHead(200) && response.write('a') && response.end('b'), 'ab'],
    ['a second end', (response) => response.end('a') && response.end('b'), 'a'],
    ['a write after the end', (response) => response.end('a') && response.write('b'), 'a'],
    ['a pipe', (response) => Readable.from(['a', 'b']).pipe(response), 'ab'],
    ['a status without content', (response) => response.writeHead(204).end('ignored'), null],
  ])('by %s is captured', async ([, handler, expected]) => {
    expect(body(await captured(handler))).toBe(expected)
  })

  test.for<[string, Handler]>([
    ['setHeader', (response) => response.setHeader('X-A', ['1', '2']).end()],
    ['appendHeader', (response) => response.appendHeader('X-A', '1').appendHeader('X-A', '2').end()],
    ['an object', (response) => response.writeHead(200, { 'X-A': ['1', '2'] }).end()],
    ['an object after a reason', (response) => response.writeHead(200, 'Fine', { 'X-A': ['1', '2'] }).end()],
    ['a flat array', (response) => response.writeHead(200, ['X-A', '1', 'X-A', '2']).end()],
    [
      'a nested array',
      (response) =>
        response
          .writeHead(200, [
            ['X-A', '1'],
            ['X-A', '2'],
          ] as never)
          .end(),
    ],
    [
      'an object over setHeader',
      (response) =>
        response
          .setHeader('x-a', '0')
          .writeHead(200, { 'X-A': ['1', '2'] })
          .end(),
    ],
  ])('with headers by %s has them line by line', async ([, handler]) => {
    const response = await captured(handler)
    const lines = response.kind === 'response' ? response.headers : []
    expect(lines.map(([name, value]) => [name.toLowerCase(), value])).toEqual([
      ['x-a', '1'],
      ['x-a', '2'],
    ])
  })

  test('is refused at once where Node would refuse it when it is sent', async () => {
    await held((response) => {
      expect(() => response.writeHead(200, { 'x-a': 'a\nb' })).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_CHAR' }),
      )
      expect(() => response.writeHead(200, { 'x a': 'a' })).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_HTTP_TOKEN' }),
      )
      expect(() => response.writeHead(42)).toThrow(RangeError)
      expect(() => response.write({} as never)).toThrow(TypeError)
      expect(() => response.write(null)).toThrow(TypeError)
      response.statusCode = 42
      expect(() => response.end()).toThrow(RangeError)
    })
  })

  test('may be in a buffer that is used again once its callback is called', async () => {
    const response = await captured((writable) => {
      const buffer = Buffer.from('one ')
      writable.write(buffer, () => {
        buffer.write('two ')
        writable.end(buffer)
      })
    })
    expect(body(response)).toBe('one two ')
  })

  test('gives way to an error page that comes after it', async () => {
    const response = await captured((writable) => {
      writable.writeHead(200, { 'content-type': 'text/csv' }).write('a,b')
      writable.statusCode = 500
      writable.setHeader('content-type', 'text/plain')
      writable.write('Internal ')
      writable.end('Error')
    })
    expect(response).toMatchObject({ status: 500 })
    expect(body(response)).toBe('Internal Error')
  })

  test('loses the coding of a compression inside, which it keeps for the client that asked for it', async () => {
    const coded = gzipSync('text')
    const { capture } = await held((response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'text/plain' }).end(coded)
    })
    const response = await capture.result()
    expect(body(response)).toBe('text')
    expect(response).toMatchObject({ headers: [['content-type', 'text/plain']] })
    expect(capture.encoded?.body).toEqual(coded)
  })

  test('keeps a coding that can not be undone', async () => {
    const response = await captured((writable) => writable.writeHead(200, { 'content-encoding': 'zstd' }).end('?'))
    expect(response).toMatchObject({ headers: [['content-encoding', 'zstd']] })
    expect(body(response)).toBe('?')
  })

  test('is unholdable beyond the limit, before and after its coding', async () => {
    const tooLarge = { kind: 'unholdable', why: 'too-large' }
    expect(await captured((response) => response.end('12345'), 5)).toMatchObject({ kind: 'response' })
    expect(await captured((response) => response.end('123456'), 5)).toEqual(tooLarge)
    const bomb = gzipSync('x'.repeat(100_000))
    expect(await captured((response) => response.setHeader('content-encoding', 'gzip').end(bomb), 1000)).toEqual(
      tooLarge,
    )
  })

  test.for<[string, Handler]>([
    ['writeHead', (response) => response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' })],
    ['setHeader and write', (response) => response.setHeader('content-type', 'text/event-stream').write('data: 1\n\n')],
    [
      'setHeader and flushHeaders',
      (response) => response.setHeader('content-type', 'text/event-stream').flushHeaders(),
    ],
    ['switching protocols', (response) => response.writeHead(101, { upgrade: 'x' })],
  ])('is unholdable as soon as it has no end: %s', async ([, handler]) => {
    expect(await captured(handler)).toEqual({ kind: 'unholdable', why: 'streams' })
  })
})

describe('a held-back response', () => {
  test('looks unsent until its end, and ended after it', async () => {
    const { response } = await held(() => undefined)
    expect([response.headersSent, response.writableEnded]).toEqual([false, false])
    expect(response.write('a')).toBe(true)
    expect([response.headersSent, response.writableEnded]).toEqual([false, false])
    response.end()
    expect([response.headersSent, response.writableEnded]).toEqual([false, true])
  })

  test('finishes, and calls back, when it is really sent', async () => {
    const told: string[] = []
    const { response, capture, answer, release } = await held((writable) => {
      writable.on('finish', () => told.push('finish'))
      writable.end('text', () => told.push('callback'))
    })
    const made = await capture.result()
    await new Promise((resolve) => setImmediate(resolve))
    expect(told).toEqual([])
    const closed = once(response, 'close')
    release(made)
    expect(await text(await answer)).toBe('text')
    await closed
    expect(told.sort()).toEqual(['callback', 'finish'])
  })

  test('sends informational responses at once', async () => {
    const server = createServer()
    closing.push(
      () => server.closeAllConnections(),
      () => server.close(),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const request = get({ port: (server.address() as AddressInfo).port, agent: false }).on('error', () => undefined)
    const [, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse]
    new Capture(response, 1000)
    response.writeProcessing()
    const [information] = (await once(request, 'information')) as [{ statusCode: number }]
    expect(information.statusCode).toBe(102)
  })

  test('says no reason of its own, no trailers, and how long it is', async () => {
    const { capture, answer, release } = await held((response) => {
      response.writeHead(200, 'Splendid', { trailer: 'x-digest', 'transfer-encoding': 'chunked' })
      response.write('text')
      response.addTrailers({ 'x-digest': '1' })
      response.end()
    })
    release(await capture.result())
    const message = await answer
    expect(await text(message)).toBe('text')
    expect([message.statusMessage, message.headers['content-length'], message.headers.trailer]).toEqual([
      'OK',
      '4',
      undefined,
    ])
    expect(message.trailers).toEqual({})
  })

  test('goes through the hooks of a middleware around it, and not through those inside', async () => {
    const hooks: string[] = []
    const hook =
      (name: string): Handler =>
      (response) => {
        const writeHead = response.writeHead.bind(response) as (...args: unknown[]) => never
        const end = response.end.bind(response) as (...args: unknown[]) => never
        response.writeHead = (...args: unknown[]) => {
          hooks.push(`${name}: head`)
          return writeHead(...args)
        }
        response.end = (...args: unknown[]) => {
          hooks.push(`${name}: end`)
          return end(...args)
        }
      }
    const { capture, answer, release } = await held(
      (response) => {
        hook('inside')(response)
        response.end('text')
      },
      1000,
      hook('around'),
    )
    const made = await capture.result()
    expect(hooks).toEqual(['inside: end'])
    hooks.length = 0
    release(made)
    expect(await text(await answer)).toBe('text')
    expect(hooks.filter((name) => name.startsWith('around'))).toEqual(['around: end', 'around: head'])
  })

  test('swallows what its handler still writes once it has been answered by another', async () => {
    const { response, capture, answer } = await held((writable) => writable.write('x'.repeat(2000)))
    expect(await capture.result()).toEqual({ kind: 'unholdable', why: 'too-large' })
    capture.release()
    capture.reset()
    send(response, { status: 500, headers: [], body: Buffer.from('refused') }, [], 'over', capture.own)
    // Node would emit an error for a write after the end, which nobody listens for.
    expect(response.write('more')).toBe(true)
    response.destroy(new Error('the source broke'))
    response.end('and more')
    expect(await text(await answer)).toBe('refused')
  })

  test('loses what the handler has set, and keeps what was set before, for another answer', async () => {
    const { response, capture, answer } = await held(
      (writable) => {
        writable
          .setHeader('x-handler', '1')
          .setHeader('x-changed', 'by the handler')
          .appendHeader('set-cookie', 'mine=1')
        writable.end('secret')
      },
      1000,
      (writable) =>
        writable.setHeader('X-Around', 'yes').setHeader('x-changed', 'no').setHeader('set-cookie', ['theirs=1']),
    )
    capture.release()
    capture.reset()
    send(response, { status: 503, headers: [['x-ours', '1']], body: null }, [], 'over', capture.own)
    const { headers, rawHeaders } = await answer
    expect([headers['x-handler'], headers['x-around'], headers['x-ours']]).toEqual([undefined, 'yes', '1'])
    expect([headers['x-changed'], headers['set-cookie']]).toEqual(['no', ['theirs=1']])
    expect(rawHeaders).toContain('X-Around')
  })

  test('that is destroyed by its handler fails with the error, and its connection is cut when that is told', async () => {
    const { response, capture, answer } = await held((writable) => writable.destroy(new Error('broken')))
    expect(() => capture.result()).toThrow('broken')
    expect([response.destroyed, capture.destroyed]).toEqual([false, true])
    capture.release()
    response.destroy()
    await expect(answer).rejects.toThrow('socket hang up')
  })
})

describe('a client that hangs up', () => {
  test('is not noticed by the handler until the answer is sent', async () => {
    const events: string[] = []
    const { response, capture, release, hangUp } = await held((writable) => {
      writable.on('close', () => events.push('close'))
      finished(writable, () => events.push('finished'))
    })
    await hangUp()
    expect(events).toEqual([])
    expect([response.destroyed, response.closed, response.socket?.destroyed, response.req.aborted]).toEqual([
      false,
      false,
      false,
      false,
    ])
    Readable.from(['a', 'b']).pipe(response)
    const made = await capture.result()
    expect(body(made)).toBe('ab')
    release(made)
    expect([response.destroyed, response.socket?.destroyed]).toEqual([true, true])
    await new Promise((resolve) => setImmediate(resolve))
    expect(events.sort()).toEqual(['close', 'finished'])
  })

  test('before the handler runs, is not noticed either', async () => {
    const server = createServer()
    closing.push(
      () => server.closeAllConnections(),
      () => server.close(),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const request = get({ port: (server.address() as AddressInfo).port, agent: false }).on('error', () => undefined)
    const [, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse]
    request.destroy()
    await once(response, 'close')
    const capture = new Capture(response, 1000)
    Readable.from(['a']).pipe(response)
    expect(body(await capture.result())).toBe('a')
    capture.release()
    expect(response.destroyed).toBe(true)
  })
})

test('a response of HTTP/2 is held back and sent', async () => {
  const server = createHttp2Server()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  closing.push(
    () => server.close(),
    () => session.destroy(),
  )
  const stream = session.request({ ':method': 'POST' })
  stream.end()
  const [, response] = (await once(server, 'request')) as unknown as [IncomingMessage, ServerResponse]
  const capture = new Capture(response, 1000)
  response.writeHead(201, { 'X-A': '1' })
  response.end('text')
  const made = await capture.result()
  expect(body(made)).toBe('text')
  capture.release()
  if (made.kind === 'response') send(response, made, [['x-b', '2']], 'alone', capture.own)
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
  expect([headers[':status'], headers['x-a'], headers['x-b'], await text(stream)]).toEqual([201, '1', '2', 'text'])
})
