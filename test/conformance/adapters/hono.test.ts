// Hono 4 on @hono/node-server keeps the contract of adapters.
import type { Server } from 'node:http'
import { serve } from '@hono/node-server'
import { type Mount, outcomeOf, type Site } from '@reprise/testkit'
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { compress } from 'hono/compress'
import { attemptOf, idempotent } from 'reprise/hono'
import { mountedAt } from './listening.ts'
import { conforms } from './stores.ts'
import { responseOf } from './web-endings.ts'

async function bodyOf(context: Context): Promise<unknown> {
  return context.req.header('content-length') === '0' ? undefined : context.req.json().catch(() => undefined)
}

function handlersFor({ style, reprise, options, ...site }: Site): MiddlewareHandler[] {
  if (style === 'outcome') {
    return [
      idempotent(reprise, options, async (attempt, context: Context) =>
        outcomeOf(await site.handle({ attempt, body: await bodyOf(context) })),
      ),
    ]
  }
  const handler: MiddlewareHandler = async (context) =>
    responseOf(await site.handle({ attempt: attemptOf(context), body: await bodyOf(context) }))
  return [
    ...Array.from({ length: site.protection === 'twice' ? 2 : 1 }, () => idempotent(reprise, options)),
    ...(site.compression === 'inside' ? [compress()] : []),
    handler,
  ]
}

const mount: Mount = async (site) => {
  const app = new Hono()
  app.use(async (context, next) => {
    context.header('x-around', 'yes')
    await next()
  })
  if (site.compression === 'around') app.use(compress())
  if (site.parsing === 'before') {
    app.use(async (context, next) => {
      await bodyOf(context)
      await next()
    })
  }
  app.onError((error, context) => context.text(error.message, 500))
  const router = new Hono()
  router.all('/orders', ...(handlersFor(site) as [MiddlewareHandler]))
  for (const prefix of site.prefixes) app.route(prefix, router)
  const server = await new Promise<Server>((resolve) => {
    const started = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(started as Server))
  })
  return mountedAt(server)
}

conforms('reprise/hono', mount)
