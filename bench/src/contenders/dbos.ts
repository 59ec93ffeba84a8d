/**
 * A DBOS workflow whose id is the key, with the effect as a step in a transaction of the application's database. It
 * compares no payloads and replays a value, not an answer.
 */

import { DBOS } from '@dbos-inc/dbos-sdk'
import { runTransaction } from '@dbos-inc/dbos-sdk/datasource'
import type { FastifyInstance } from 'fastify'
import { insertOrder, poolSize, schema } from '../orders/postgres.ts'
import { answerOf, type Order } from '../workload.ts'
import { DbosOrders } from './dbos-orders.ts'

export async function dbos(app: FastifyInstance, url: string): Promise<void> {
  const orders = new DbosOrders(url)
  await orders.run((connection) => connection.query(schema))
  DBOS.setConfig({ name: 'bench', systemDatabaseUrl: url, systemDatabasePoolSize: poolSize, logLevel: 'error' })
  const create = DBOS.registerWorkflow(
    async (order: Order) => {
      const effect = () => insertOrder(orders.connection, order)
      return answerOf(await runTransaction(effect, 'insertOrder', { dsName: orders.name }), order)
    },
    { name: 'createOrder' },
  )
  await DBOS.launch()
  app.post('/orders', async (request, reply) => {
    const workflowID = String(request.headers['idempotency-key'])
    const handle = await DBOS.startWorkflow(create, { workflowID })(request.body as Order)
    return reply.code(201).send(await handle.getResult())
  })
}
