/** The floor of R1: a claim by SET NX, the effect, and the answer by SET. It tells no two requests of one key apart. */

import type { FastifyInstance } from 'fastify'
import { appendOrder, type OpenRedis, openIoredis, openNodeRedis } from '../orders/redis.ts'
import { answerOf, keyIn, type Order } from '../workload.ts'

const leaseMs = 60_000
const retentionMs = 86_400_000

export function overIoredis(app: FastifyInstance, url: string): Promise<void> {
  return serve(app, url, openIoredis)
}

export function overNodeRedis(app: FastifyInstance, url: string): Promise<void> {
  return serve(app, url, openNodeRedis)
}

async function serve(app: FastifyInstance, url: string, open: OpenRedis): Promise<void> {
  const redis = await open(url)
  app.post('/orders', async (request, reply) => {
    const key = keyIn(request.headers)
    reply.type('application/json; charset=utf-8')
    if (!(await redis.setNew(key, 'running', leaseMs))) {
      const answer = await redis.get(key)
      return answer === null || answer === 'running' ? reply.code(409).send() : reply.code(201).send(answer)
    }
    const order = request.body as Order
    const answer = JSON.stringify(answerOf(await appendOrder(redis, order), order))
    await redis.set(key, answer, retentionMs)
    return reply.code(201).send(answer)
  })
}
