/** The floor of S2 and S3: the framework, the parsed body and the same answer, with no effect and no durability. */

import type { FastifyInstance } from 'fastify'
import { answerOf, type Order } from '../workload.ts'

export function nothing(app: FastifyInstance): void {
  let id = 0
  app.post('/orders', (request, reply) => {
    reply.code(201).send(answerOf(++id, request.body as Order))
  })
}
