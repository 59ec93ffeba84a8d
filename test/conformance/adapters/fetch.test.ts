// Handlers of the Fetch API keep the contract of adapters, on a bridge from node:http that is as thin as can be.
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { outcomeOf, type Site } from '@reprise/testkit'
import { attemptOf, idempotent } from 'reprise/fetch'
import { type Listener, listening } from './listening.ts'
import { conforms } from './stores.ts'
import { responseOf } from './web-endings.ts'

type Handler = (request: Request) => Response | Promise<Response>

function requestOf(incoming: IncomingMessage): Request {
  const headers = new Headers()
  for (let i = 0; i < incoming.rawHeaders.length; i += 2) {
    headers.append(incoming.rawHeaders[i] as string, incoming.rawHeaders[i + 1] as string)
  }
  const { method = 'GET' } = incoming
  const bodiless = method === 'GET' || method === 'HEAD' || incoming.headers['content-length'] === '0'
  const body = bodiless ? null : (Readable.toWeb(incoming) as ReadableStream)
  return new Request(`http://localhost${incoming.url}`, { method, headers, body, duplex: 'half' })
}

async function parse(request: Request): Promise<unknown> {
  return request.body === null ? undefined : request.json().catch(() => undefined)
}

/** What a gateway or a worker's own helper does: gzip for those who take it. */
function compressing(handler: Handler): Handler {
  return async (request) => {
    const response = await handler(request)
    if (!request.headers.get('accept-encoding')?.includes('gzip') || response.body === null) return response
    const compressed = new Response(response.body.pipeThrough(new CompressionStream('gzip')), response)
    compressed.headers.set('content-encoding', 'gzip')
    compressed.headers.delete('content-length')
    return compressed
  }
}

function handlerFor(site: Site): Handler {
  const { reprise, options } = site
  let handler: Handler
  if (site.style === 'outcome') {
    handler = idempotent(reprise, options, async (attempt, request) =>
      outcomeOf(await site.handle({ attempt, body: await parse(request) })),
    )
  } else {
    handler = async (request) =>
      responseOf(await site.handle({ attempt: attemptOf(request), body: await parse(request) }))
    if (site.compression === 'inside') handler = compressing(handler)
    for (let n = site.protection === 'twice' ? 2 : 1; n > 0; n--) handler = idempotent(reprise, options).around(handler)
  }
  if (site.compression === 'around') handler = compressing(handler)
  return handler
}

function listenerFor(site: Site): Listener {
  const handler = handlerFor(site)
  return async (incoming, outgoing) => {
    const answer = async (): Promise<Response> => {
      try {
        return await handler(requestOf(incoming))
      } catch (error) {
        return new Response((error as Error).message, { status: 500 })
      }
    }
    const response = await answer()
    response.headers.set('x-around', 'yes')
    outgoing.statusCode = response.status
    for (const [name, value] of response.headers) outgoing.appendHeader(name, value)
    if (response.body === null) outgoing.end()
    else await pipeline(Readable.fromWeb(response.body as never), outgoing).catch(() => undefined)
  }
}

conforms('reprise/fetch', (site) => listening(listenerFor(site)), {
  exempt: ['middleware', 'outcome'].map((style) => ({
    check: `${style}: failures: a throw, answered with the advice to try again`,
    reason: 'a thrown error has no headers, and whoever catches it makes the response',
  })),
})
