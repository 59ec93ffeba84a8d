/** Reprise on PostgreSQL, transactional, over postgres.js. */

import type { FastifyInstance } from 'fastify'
import { createReprise } from 'reprise'
import { attemptOf, idempotent } from 'reprise/fastify'
import { postgres } from 'reprise/postgres'
import { insertOrderJs, openSql, schema, type Tx } from '../orders/postgres-js.ts'
import { answerOf, type Order } from '../workload.ts'

export async function reprisePostgresJs(app: FastifyInstance, url: string): Promise<void> {
  const sql = openSql(url)
  await sql.unsafe(schema)
  const store = postgres({ sql })
  await store.migrate()
  const reprise = createReprise({ store, principal: (request) => request.headers.get('x-tenant') })
  const options = { name: 'order.create', guarantee: 'transactional' } as const
  app.post('/orders', idempotent(reprise, options), async (request, reply) => {
    const order = request.body as Order
    const id = await insertOrderJs(attemptOf<Tx>(request)?.tx as Tx, order)
    return reply.code(201).send(answerOf(id, order))
  })
}
