/**
 * @node-idempotency/core with its Redis adapter. Its plugin is for Fastify 4, so its two calls stand in the handler; the
 * second is awaited, since an answer should not leave before it is recorded. It keeps bodies as JSON values, the key
 * belongs to nobody, and its claim lasts as long as its outcome.
 */

import { Idempotency } from '@node-idempotency/core'
import { RedisStorageAdapter } from '@node-idempotency/storage-adapter-redis'
import type { FastifyInstance } from 'fastify'
import { appendOrder, openNodeRedis } from '../orders/redis.ts'
import { answerOf, type Order } from '../workload.ts'

export async function nodeIdempotency(app: FastifyInstance, url: string): Promise<void> {
  const redis = await openNodeRedis(url)
  const storage = new RedisStorageAdapter({ url })
  await storage.connect()
  const idempotency = new Idempotency(storage)
  app.post('/orders', async (request, reply) => {
    const asked = {
      headers: request.headers,
      path: request.url,
      method: request.method,
      body: request.body as Record<string, unknown>,
    }
    const known = await idempotency.onRequest(asked)
    if (known !== undefined) return reply.code((known.additional as { status: number }).status).send(known.body)
    const order = request.body as Order
    const answer = answerOf(await appendOrder(redis, order), order)
    await idempotency.onResponse(asked, { body: answer, additional: { status: 201 } })
    return reply.code(201).send(answer)
  })
}
