// node:http keeps the contract of adapters.
import { createReadStream } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { PassThrough, Readable } from 'node:stream'
import { json as readJson } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { type Ending, outcomeOf, type Site } from '@reprise/testkit'
import compression from 'compression'
import { attemptOf, idempotent } from 'reprise/node'
import { vi } from 'vitest'
import { type Listener, listening } from './listening.ts'
import { conforms } from './stores.ts'

type Request = IncomingMessage & { body?: unknown }

/** What a JSON parser does: `body` is what it makes of the body. */
async function parse(request: Request): Promise<unknown> {
  if (request.body === undefined && Number(request.headers['content-length'] ?? 1) > 0 && request.method !== 'GET') {
    request.body = await readJson(request).catch(() => undefined)
  }
  return request.body
}

function write(response: ServerResponse, ending: Ending): void {
  for (const [name, value] of Object.entries(ending.headers ?? {})) response.setHeader(name, value)
  const { status } = ending
  switch (ending.kind) {
    case 'json':
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(ending.value))
      return
    case 'text':
      response.writeHead(status, ['content-type', 'text/plain; charset=utf-8']).end(ending.text, 'utf8')
      return
    case 'empty':
      response.writeHead(status).end()
      return
    case 'bytes':
      response.writeHead(status, { 'Content-Type': ending.type, 'Content-Length': ending.bytes.length })
      response.end(ending.bytes)
      return
    case 'redirect':
      response.writeHead(status, 'See There', { location: ending.location }).end()
      return
    case 'cookies':
      response.setHeader('set-cookie', [...ending.cookies])
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(ending.value))
      return
    case 'chunks':
      response.writeHead(status, { 'content-type': ending.type, trailer: 'x-digest' })
      for (const chunk of ending.chunks) response.write(chunk)
      response.addTrailers({ 'x-digest': 'none' })
      response.end()
      return
    case 'stream':
      response.writeHead(status, { 'content-type': ending.type })
      Readable.from(ending.chunks).pipe(response)
      return
    case 'file':
      response.writeHead(status, { 'content-type': ending.type })
      void pipeline(createReadStream(ending.path), response)
      return
    case 'events':
      response.writeHead(status, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
      return
    case 'broken': {
      response.writeHead(status, { 'content-type': ending.type })
      const stream = new PassThrough()
      pipeline(stream, response).catch(() => undefined)
      stream.write(ending.chunk, () => stream.destroy(new Error('broken')))
    }
  }
}

function listenerFor(site: Site): Listener {
  const { reprise, options } = site
  const handle = async (request: Request): Promise<Ending> =>
    site.handle({ attempt: attemptOf(request), body: await parse(request) })
  const compress = compression({ threshold: 0 })
  const compressed = (listener: Listener): Listener => {
    return (request, response) => compress(request as never, response as never, () => listener(request, response))
  }
  const writing = async (request: Request, response: ServerResponse) => write(response, await handle(request))
  const handler: Listener = site.compression === 'inside' ? compressed(writing) : writing

  let listener: Listener
  if (site.style === 'outcome') {
    listener = idempotent(reprise, options, async (attempt, request: Request) =>
      outcomeOf(await site.handle({ attempt, body: await parse(request) })),
    )
  } else {
    listener = idempotent(reprise, options).around(handler)
    if (site.protection === 'twice') listener = idempotent(reprise, options).around(listener)
  }
  const protectedListener = site.compression === 'around' ? compressed(listener) : listener
  return async (request, response) => {
    response.setHeader('x-around', 'yes')
    if (site.parsing === 'before') await parse(request)
    protectedListener(request, response)
  }
}

// Where nobody else answers an error, the adapter prints it.
vi.spyOn(console, 'error').mockImplementation(() => undefined)

conforms('reprise/node', (site) => listening(listenerFor(site)))
