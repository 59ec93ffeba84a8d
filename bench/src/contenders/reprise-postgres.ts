/** Reprise on PostgreSQL, over a pool of `pg`. */

import type { FastifyInstance } from 'fastify'
import { createReprise } from 'reprise'
import { attemptOf, idempotent } from 'reprise/fastify'
import { type PgTx, postgres } from 'reprise/postgres'
import { type Asks, insertOrder, openPool, schema } from '../orders/postgres.ts'
import { answerOf, type Order } from '../workload.ts'

interface Settings {
  readonly guarantee: 'transactional' | 'guarded'
  readonly replayCacheBytes?: number
}

/** Effect and outcome in one transaction. */
export function transactional(app: FastifyInstance, url: string): Promise<void> {
  return serve(app, url, { guarantee: 'transactional' })
}

/** The effect commits by itself, between claim and settlement. */
export function guarded(app: FastifyInstance, url: string): Promise<void> {
  return serve(app, url, { guarantee: 'guarded' })
}

/** Every replay asks the server. */
export function withoutReplayCache(app: FastifyInstance, url: string): Promise<void> {
  return serve(app, url, { guarantee: 'transactional', replayCacheBytes: 0 })
}

async function serve(app: FastifyInstance, url: string, { guarantee, ...settings }: Settings): Promise<void> {
  const pool = openPool(url)
  await pool.query(schema)
  const store = postgres({ pool })
  await store.migrate()
  const reprise = createReprise({ store, principal: (request) => request.headers.get('x-tenant'), ...settings })
  app.post('/orders', idempotent(reprise, { name: 'order.create', guarantee }), async (request, reply) => {
    const order = request.body as Order
    const connection: Asks = guarantee === 'guarded' ? pool : (attemptOf<PgTx>(request)?.tx as PgTx)
    return reply.code(201).send(answerOf(await insertOrder(connection, order), order))
  })
}
