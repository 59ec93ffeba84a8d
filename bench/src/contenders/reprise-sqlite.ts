/** Reprise on SQLite, transactional and durable. */

import type { FastifyInstance } from 'fastify'
import Database from 'libsql'
import { createReprise } from 'reprise'
import { attemptOf, idempotent } from 'reprise/fastify'
import { type SqliteTx, sqlite } from 'reprise/sqlite'
import { answerOf, insert, type Order, parameters, schema } from '../workload.ts'

export async function repriseSqlite(app: FastifyInstance, file: string): Promise<void> {
  const db = new Database(file)
  db.exec('pragma journal_mode = wal')
  db.exec(schema)
  db.close()
  const store = sqlite({ file, driver: Database })
  await store.migrate()
  const reprise = createReprise({ store, principal: (request) => request.headers.get('x-tenant') })
  const options = { name: 'order.create', guarantee: 'transactional' } as const
  app.post('/orders', idempotent(reprise, options), (request, reply) => {
    const order = request.body as Order
    const tx = attemptOf<SqliteTx>(request)?.tx as SqliteTx
    const { lastInsertRowid } = tx.prepare(insert).run(parameters(order))
    reply.code(201).send(answerOf(lastInsertRowid, order))
  })
}
