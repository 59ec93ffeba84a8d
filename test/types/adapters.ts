// Compiled, never run: the adapters, which are typed by shape alone, fit the types of the frameworks.

import { createServer, type IncomingMessage } from 'node:http'
import express, { type Request, type Response } from 'express'
import express4 from 'express4'
import fastify, { type FastifyRequest } from 'fastify'
import { type Context, Hono } from 'hono'
import { type Attempt, type HttpResponse, type Reprise, reply } from 'reprise'
import * as onExpress from 'reprise/express'
import * as onFastify from 'reprise/fastify'
import * as onFetch from 'reprise/fetch'
import * as onHono from 'reprise/hono'
import type { MemoryTx } from 'reprise/memory'
import * as onNode from 'reprise/node'

declare const reprise: Reprise<MemoryTx>
const policy = { name: 'order.create', guarantee: 'transactional' } as const
const optional = { ...policy, key: 'optional' } as const

/** Takes a value of exactly one type. */
declare function exactly<T>(): <U>(
  value: U,
  ...same: [T] extends [U] ? ([U] extends [T] ? [] : [never]) : [never]
) => void
const attempts = exactly<Attempt<MemoryTx>>()
const attemptsOrNone = exactly<Attempt<MemoryTx> | undefined>()
const ok = (): HttpResponse => reply(204)

export function expressFits(): void {
  const app = express()
  app.use(onExpress.idempotent(reprise, policy))
  app.use('/api', [onExpress.idempotent(reprise, policy)])
  app.post('/orders/:id', onExpress.idempotent(reprise, policy), (req, res) => {
    attemptsOrNone(onExpress.attemptOf<MemoryTx>(req))
    res.status(201).json(req.params.id)
  })
  app.post(
    '/orders',
    onExpress.idempotent(reprise, policy, (attempt, req) => {
      attempts(attempt)
      return reply(201, req.body.sku)
    }),
  )
  const typed = (attempt: Attempt<MemoryTx>, req: Request): HttpResponse => reply(201, [attempt.key, req.ip, req.query])
  app.post('/orders', onExpress.idempotent(reprise, policy, typed))
  app.post(
    '/orders',
    onExpress.idempotent(reprise, optional, (attempt) => {
      attemptsOrNone(attempt)
      return ok()
    }),
  )
  express.Router().put('/orders', onExpress.idempotent(reprise, policy), (_req: Request, res: Response) => {
    res.end()
  })
}

export function express4Fits(): void {
  const app = express4()
  app.use(onExpress.idempotent(reprise, policy))
  app.post('/orders', onExpress.idempotent(reprise, policy), (req, res) => {
    attemptsOrNone(onExpress.attemptOf<MemoryTx>(req))
    res.sendStatus(201)
  })
  app.post(
    '/orders',
    onExpress.idempotent(reprise, policy, (attempt, req: express4.Request) => reply(201, [attempt.key, req.ip])),
  )
}

export function fastifyFits(): void {
  interface Order {
    sku: string
  }
  const app = fastify()
  app.post('/orders', onFastify.idempotent(reprise, policy), async (request, reply) => {
    attemptsOrNone(onFastify.attemptOf<MemoryTx>(request))
    return reply.code(201).send({})
  })
  app.post<{ Body: Order }>(
    '/orders',
    { ...onFastify.idempotent(reprise, policy), bodyLimit: 1 },
    async (request) => request.body.sku,
  )
  app.post(
    '/orders',
    onFastify.idempotent(reprise, policy, (attempt, request: FastifyRequest<{ Body: Order }>) => {
      attempts(attempt)
      return reply(201, request.body.sku)
    }),
  )
  app.post(
    '/orders',
    onFastify.idempotent(reprise, policy, (attempt, request) => reply(201, [attempt.key, request.body])),
  )
  app.route({ method: 'PUT', url: '/orders', ...onFastify.idempotent(reprise, optional, () => ok()) })
  const protect = onFastify.idempotent(reprise, policy)
  app.post('/orders', { ...protect, preHandler: [async () => undefined, protect.preHandler] }, async () => 'done')
}

export function honoFits(): void {
  const app = new Hono()
  app.use(onHono.idempotent(reprise, policy))
  app.use('/api/*', onHono.idempotent(reprise, policy))
  app.post('/orders/:id', onHono.idempotent(reprise, policy), (c) => {
    attemptsOrNone(onHono.attemptOf<MemoryTx>(c))
    return c.json({ id: c.req.param('id') }, 201)
  })
  app.post(
    '/orders',
    onHono.idempotent(reprise, policy, async (attempt, c: Context) => {
      attempts(attempt)
      return reply(201, await c.req.json())
    }),
  )
  const typed = new Hono<onHono.AttemptEnv<MemoryTx>>()
  typed.post('/orders', onHono.idempotent(reprise, policy), (c) => {
    c.get('attempt').tx.set('order', 'placed')
    return c.body(null, 204)
  })
  const bound = new Hono<{ Bindings: { DB: string }; Variables: { user: string } }>()
  bound.post('/orders', onHono.idempotent(reprise, policy), (c) => c.text(c.get('user') + c.env.DB))
}

export function nodeFits(): void {
  createServer(
    onNode.idempotent(reprise, policy, (attempt, request) => {
      attempts(attempt)
      return reply(201, request.url)
    }),
  )
  createServer(
    onNode.idempotent(reprise, policy).around((request, response) => {
      attemptsOrNone(onNode.attemptOf<MemoryTx>(request))
      response.end()
    }),
  )
  express().use(onNode.idempotent(reprise, policy))
  createServer((request: IncomingMessage, response) => {
    onNode.idempotent(reprise, policy)(request, response, () => response.end())
  })
}

export function fetchFits(): void {
  const handler: (request: Request_) => Promise<globalThis.Response> = onFetch.idempotent(
    reprise,
    policy,
    (attempt, request) => {
      attempts(attempt)
      return reply(201, request.url)
    },
  )
  // A route of Next.js, and a worker with its environment.
  const POST: (request: Request_, context: { params: Promise<{ id: string }> }) => Promise<globalThis.Response> =
    onFetch.idempotent(reprise, policy).around(async (_request, { params }: { params: Promise<{ id: string }> }) => {
      return globalThis.Response.json(await params)
    })
  const worker = onFetch.idempotent(reprise, optional, async (attempt, request, env: { DB: string }) => {
    attemptsOrNone(attempt)
    return reply(201, [await request.json(), env.DB])
  })
  void [handler, POST, worker]
}
type Request_ = globalThis.Request

export function wrongIsRefused(): void {
  // @ts-expect-error an option that does not exist
  onExpress.idempotent(reprise, { ...policy, keys: 'optional' })
  // @ts-expect-error a handler that may have no attempt has to say what it does then
  onExpress.idempotent(reprise, optional, (attempt: Attempt<MemoryTx>) => reply(201, attempt.key))
  // @ts-expect-error an outcome is what reply() makes
  onFetch.idempotent(reprise, policy, () => globalThis.Response.json({}))
}
