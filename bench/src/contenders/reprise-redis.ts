/** Reprise on Redis, guarded. */

import type { FastifyInstance } from 'fastify'
import { createReprise, type Reprise } from 'reprise'
import { idempotent } from 'reprise/fastify'
import { redis } from 'reprise/redis'
import { appendOrder, type OpenRedis, openIoredis, openNodeRedis, type Redis } from '../orders/redis.ts'
import { answerOf, type Order } from '../workload.ts'

interface Settings {
  readonly replayCacheBytes?: number
}

export function overIoredis(app: FastifyInstance, url: string): Promise<void> {
  return serve(app, url, openIoredis)
}

export function overNodeRedis(app: FastifyInstance, url: string): Promise<void> {
  return serve(app, url, openNodeRedis)
}

/** Every replay asks the server. */
export function withoutReplayCache(app: FastifyInstance, url: string): Promise<void> {
  return serve(app, url, openNodeRedis, { replayCacheBytes: 0 })
}

export async function repriseOn({ client }: Redis, settings: Settings = {}): Promise<Reprise> {
  // So that one contender runs under both settings of the server; what it sends is the same.
  const store = redis({ client, acceptLoss: 'last-seconds' })
  await store.migrate()
  return createReprise({ store, principal: (request) => request.headers.get('x-tenant'), ...settings })
}

async function serve(app: FastifyInstance, url: string, open: OpenRedis, settings?: Settings): Promise<void> {
  const opened = await open(url)
  const reprise = await repriseOn(opened, settings)
  app.post('/orders', idempotent(reprise, { name: 'order.create', guarantee: 'guarded' }), async (request, reply) => {
    const order = request.body as Order
    return reply.code(201).send(answerOf(await appendOrder(opened, order), order))
  })
}
