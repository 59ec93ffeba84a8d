/** Reprise on SQLite, transactional and durable. */

import type { FastifyInstance } from 'fastify'
import Database from 'libsql'
import { createReprise } from 'reprise'
import { attemptOf, idempotent } from 'reprise/fastify'
import { type SqliteTx, sqlite } from 'reprise/sqlite'
import { insert, parameters, schema } from '../orders/sqlite.ts'
import { answerOf, type Order } from '../workload.ts'

export function asByDefault(app: FastifyInstance, file: string): Promise<void> {
  return serve(app, file, {})
}

/** Every replay asks the file. */
export function withoutReplayCache(app: FastifyInstance, file: string): Promise<void> {
  return serve(app, file, { replayCacheBytes: 0 })
}

async function serve(app: FastifyInstance, file: string, settings: { replayCacheBytes?: number }): Promise<void> {
  const db = new Database(file)
  db.exec('pragma journal_mode = wal')
  db.exec(schema)
  db.close()
  const store = sqlite({ file, driver: Database })
  await store.migrate()
  const reprise = createReprise({ store, principal: (request) => request.headers.get('x-tenant'), ...settings })
  const options = { name: 'order.create', guarantee: 'transactional' } as const
  app.post('/orders', idempotent(reprise, options), (request, reply) => {
    const order = request.body as Order
    const tx = attemptOf<SqliteTx>(request)?.tx as SqliteTx
    const { lastInsertRowid } = tx.prepare(insert).run(parameters(order))
    reply.code(201).send(answerOf(lastInsertRowid, order))
  })
}
