// Sites for Express 4 and 5, which differ in their types and not in what is used of them here.
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { type Ending, type Mount, outcomeOf, type Site } from '@reprise/testkit'
import compression from 'compression'
import type express from 'express'
import { attemptOf, idempotent } from 'reprise/express'
import { listening } from './listening.ts'

type Handler = express.RequestHandler

function write(response: express.Response, ending: Ending, next: express.NextFunction): void {
  response.status(ending.status).set(ending.headers ?? {})
  switch (ending.kind) {
    case 'json':
      response.json(ending.value)
      return
    case 'text':
      response.send(ending.text)
      return
    case 'empty':
      response.end()
      return
    case 'bytes':
      response.type(ending.type).send(Buffer.from(ending.bytes))
      return
    case 'redirect':
      response.redirect(ending.status, ending.location)
      return
    case 'cookies':
      for (const cookie of ending.cookies) response.append('set-cookie', cookie)
      response.json(ending.value)
      return
    case 'chunks':
      response.type(ending.type)
      for (const chunk of ending.chunks) response.write(chunk)
      response.end()
      return
    case 'stream':
      response.type(ending.type)
      Readable.from(ending.chunks).pipe(response)
      return
    case 'file':
      response.type(ending.type).sendFile(ending.path)
      return
    case 'events':
      response.type('text/event-stream').flushHeaders()
      response.write('data: 1\n\n')
      return
    case 'broken':
      response.type(ending.type).write(ending.chunk)
      next(new Error('broken'))
  }
}

function protect({ style, reprise, options, ...site }: Site, parser: Handler): Handler[] {
  const handle = (attempt: ReturnType<typeof attemptOf>, request: express.Request) =>
    site.handle({ attempt, body: request.body as unknown })
  if (style === 'outcome') {
    return [
      idempotent(reprise, options, async (attempt, request: express.Request) => {
        if (site.parsing === 'after') await promisify(parser)(request, request.res as express.Response)
        return outcomeOf(await handle(attempt, request))
      }),
    ]
  }
  const handler: Handler = (request, response, next) => {
    // Express 4 does not look at promises.
    handle(attemptOf(request), request).then((ending) => write(response, ending, next), next)
  }
  const compress = site.compression === 'inside' ? [compression({ threshold: 0 }) as Handler] : []
  const protections = site.protection === 'twice' ? 2 : 1
  const protection = Array.from({ length: protections }, () => idempotent(reprise, options))
  return [...protection, ...compress, ...(site.parsing === 'after' ? [parser] : []), handler]
}

/** Mounts sites on this Express. */
export function mountOn(make: typeof express): Mount {
  return (site) => {
    const app = make()
    // Keeps the errors that handlers throw on purpose out of the output.
    app.set('env', 'test')
    app.use((_request, response, next) => {
      response.set('x-around', 'yes')
      next()
    })
    if (site.compression === 'around') app.use(compression({ threshold: 0 }) as Handler)
    const parser = make.json({ limit: '1mb' })
    if (site.parsing === 'before') app.use(parser)
    const router = make.Router()
    router.all('/orders', protect(site, parser))
    for (const prefix of site.prefixes) app.use(prefix, router)
    return listening(app)
  }
}
