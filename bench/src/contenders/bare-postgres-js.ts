/** The floor of P1 (a) with postgres.js instead of pg. */

import type { FastifyInstance } from 'fastify'
import { insertOrderJs, openSql, schema } from '../orders/postgres-js.ts'
import { answerOf, type Order } from '../workload.ts'

export async function barePostgresJs(app: FastifyInstance, url: string): Promise<void> {
  const sql = openSql(url)
  await sql.unsafe(schema)
  app.post('/orders', async (request, reply) => {
    const order = request.body as Order
    const id = await sql.begin((tx) => insertOrderJs(tx, order))
    return reply.code(201).send(answerOf(id, order))
  })
}
