/**
 * express-idempotency with its Redis adapter. Its claim is a SET without NX, so two requests that come at once are two
 * effects, and its record is written after the answer has left: it does less than the others, and less to wait for.
 */

import express, { type Express } from 'express'
import { getSharedIdempotencyService, type IIdempotencyDataAdapter, idempotency } from 'express-idempotency'
import * as adapter from 'express-idempotency-redis-adapter'
import { appendOrder, openNodeRedis } from '../orders/redis.ts'
import { answerOf, type Order } from '../workload.ts'

export async function expressIdempotency(app: Express, url: string): Promise<void> {
  const redis = await openNodeRedis(url)
  const RedisAdapter = adapter.default.default
  const dataAdapter = new RedisAdapter({ connectionConfig: { url } })
  await dataAdapter.connect()
  app.post(
    '/orders',
    express.json(),
    idempotency({ dataAdapter: dataAdapter as IIdempotencyDataAdapter }),
    async (request, response) => {
      // It has answered, and calls the handler all the same.
      if (getSharedIdempotencyService().isHit(request)) return
      const order = request.body as Order
      response.status(201).json(answerOf(await appendOrder(redis, order), order))
    },
  )
}
