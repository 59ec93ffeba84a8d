// Fastify 5 keeps the contract of adapters.
import { createReadStream } from 'node:fs'
import { PassThrough, Readable } from 'node:stream'
import compress from '@fastify/compress'
import { type Ending, type Mount, outcomeOf, type Site } from '@reprise/testkit'
import fastify, { type FastifyReply, type FastifyRequest, type HTTPMethods, type RouteOptions } from 'fastify'
import { attemptOf, idempotent } from 'reprise/fastify'
import { mountedAt } from './listening.ts'
import { conforms } from './stores.ts'

const method: HTTPMethods[] = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE']

function write(reply: FastifyReply, ending: Ending): unknown {
  reply.code(ending.status).headers(ending.headers ?? {})
  switch (ending.kind) {
    case 'json':
      return reply.type('application/json').send(JSON.stringify(ending.value))
    case 'text':
      return reply.send(ending.text)
    case 'empty':
      return reply.send()
    case 'bytes':
      return reply.type(ending.type).send(Buffer.from(ending.bytes))
    case 'redirect':
      return reply.redirect(ending.location, ending.status)
    case 'cookies':
      for (const cookie of ending.cookies) reply.header('set-cookie', cookie)
      return reply.send(ending.value)
    case 'chunks':
      reply.hijack()
      reply.raw.writeHead(ending.status, {
        ...(reply.getHeaders() as Record<string, string>),
        'content-type': ending.type,
      })
      for (const chunk of ending.chunks) reply.raw.write(chunk)
      reply.raw.end()
      return reply
    case 'stream':
      return reply.type(ending.type).send(Readable.from(ending.chunks))
    case 'file':
      return reply.type(ending.type).send(createReadStream(ending.path))
    case 'events': {
      const events = new PassThrough()
      events.write('data: 1\n\n')
      return reply.type('text/event-stream').send(events)
    }
    case 'broken': {
      const stream = new PassThrough()
      stream.write(ending.chunk)
      setImmediate(() => stream.destroy(new Error('broken')))
      return reply.type(ending.type).send(stream)
    }
  }
}

function routeFor({ style, reprise, options, protection, ...site }: Site): Omit<RouteOptions, 'method' | 'url'> {
  if (style === 'outcome') {
    return idempotent(reprise, options, async (attempt, request: FastifyRequest) =>
      outcomeOf(await site.handle({ attempt, body: request.body })),
    )
  }
  const handler = async (request: FastifyRequest, reply: FastifyReply) => {
    const ending = await site.handle({ attempt: attemptOf(request), body: request.body })
    // Fastify's way to answer without a body is to return nothing.
    if (ending.kind !== 'empty') return write(reply, ending)
    reply.code(ending.status).headers(ending.headers ?? {})
  }
  const protect = idempotent(reprise, options)
  if (protection === 'once') return { ...protect, handler }
  return { ...protect, preHandler: [protect.preHandler, idempotent(reprise, options).preHandler], handler }
}

const mount: Mount = async (site) => {
  const app = fastify()
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('x-around', 'yes')
  })
  // Its hook runs when the reply is sent: inside for what a handler sends, and again for each replay.
  if (site.compression !== 'none') await app.register(compress, { threshold: 0, encodings: ['gzip'] })
  for (const prefix of site.prefixes) app.route({ method, url: `${prefix}/orders`, ...routeFor(site) })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return mountedAt(app.server)
}

conforms('reprise/fastify', mount)
