/** Reprise on Redis under Express, beside a peer that knows no other framework. */

import express, { type Express } from 'express'
import { idempotent } from 'reprise/express'
import { appendOrder, openNodeRedis } from '../orders/redis.ts'
import { answerOf, type Order } from '../workload.ts'
import { repriseOn } from './reprise-redis.ts'

export async function repriseRedisExpress(app: Express, url: string): Promise<void> {
  const opened = await openNodeRedis(url)
  const reprise = await repriseOn(opened)
  const protect = idempotent(reprise, { name: 'order.create', guarantee: 'guarded' })
  app.post('/orders', express.json(), protect, async (request, response) => {
    const order = request.body as Order
    response.status(201).json(answerOf(await appendOrder(opened, order), order))
  })
}
