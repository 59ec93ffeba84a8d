/** The floor of P2: claim, effect and settlement as one writes them by hand, in three statements and three commits. */

import type { FastifyInstance } from 'fastify'
import { insertOrder, openPool, schema } from '../orders/postgres.ts'
import { answerOf, keyIn, type Order } from '../workload.ts'
import { completedText, runningText } from './record-text.ts'

const claims = 'create table if not exists claims (id text primary key, record text not null, body bytea)'

export async function unbatchedPostgres(app: FastifyInstance, url: string): Promise<void> {
  const pool = openPool(url)
  await pool.query(schema)
  await pool.query(claims)
  app.post('/orders', async (request, reply) => {
    const id = keyIn(request.headers)
    const claimed = await pool.query({
      name: 'claim',
      text: 'insert into claims (id, record) values ($1, $2) on conflict (id) do nothing',
      values: [id, runningText],
    })
    reply.code(201).type('application/json; charset=utf-8')
    if (claimed.rowCount === 0) {
      const { rows } = await pool.query<{ body: Buffer | null }>('select body from claims where id = $1', [id])
      const body = rows[0]?.body
      return body == null ? reply.code(409).send() : reply.send(body)
    }
    const order = request.body as Order
    const answer = Buffer.from(JSON.stringify(answerOf(await insertOrder(pool, order), order)))
    await pool.query({
      name: 'settle',
      text: 'update claims set record = $2, body = $3 where id = $1',
      values: [id, completedText, answer],
    })
    return reply.send(answer)
  })
}
