/**
 * @aws-lambda-powertools/idempotency with its cache layer, outside Lambda: a context that says how long a call may take
 * stands for Lambda's. It wraps a function, so status and headers are the handler's business. Its payload validation is
 * off, because with this layer it refuses every replay.
 */

import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency'
import { CachePersistenceLayer } from '@aws-lambda-powertools/idempotency/cache'
import type { FastifyInstance } from 'fastify'
import { createClient } from 'redis'
import { appendOrder, openNodeRedis } from '../orders/redis.ts'
import { answerOf, keyIn, type Order } from '../workload.ts'

const context = { getRemainingTimeInMillis: () => 60_000 }

export async function powertools(app: FastifyInstance, url: string): Promise<void> {
  const redis = await openNodeRedis(url)
  const create = makeIdempotent(
    async ({ order }: { key: string; order: Order }, _context: typeof context) =>
      answerOf(await appendOrder(redis, order), order),
    {
      persistenceStore: new CachePersistenceLayer({ client: await createClient({ url }).connect() }),
      keyPrefix: 'order.create',
      config: new IdempotencyConfig({ eventKeyJmesPath: 'key', expiresAfterSeconds: 86_400 }),
    },
  )
  app.post('/orders', async (request, reply) => {
    const key = keyIn(request.headers)
    return reply.code(201).send(await create({ key, order: request.body as Order }, context))
  })
}
