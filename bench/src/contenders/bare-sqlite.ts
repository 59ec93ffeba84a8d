/** The floor of S1: the same handler without idempotency, one durable commit per request. */

import type { FastifyInstance } from 'fastify'
import Database from 'libsql'
import { insert, parameters, schema } from '../orders/sqlite.ts'
import { answerOf, type Order } from '../workload.ts'

export function bareSqlite(app: FastifyInstance, file: string): void {
  const db = new Database(file)
  db.exec('pragma journal_mode = wal')
  db.exec('pragma synchronous = full')
  db.exec(schema)
  const statement = db.prepare(insert)
  app.post('/orders', (request, reply) => {
    const order = request.body as Order
    const { lastInsertRowid } = statement.run(parameters(order))
    reply.code(201).send(answerOf(lastInsertRowid, order))
  })
}
