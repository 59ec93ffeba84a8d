/** The floors of P1: the effect in a transaction of its own, and the same with a row for the outcome beside it. */

import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { PoolClient } from 'pg'
import { insertOrder, openPool, schema } from '../orders/postgres.ts'
import { answerOf, type Order } from '../workload.ts'
import { completedText } from './record-text.ts'

type Effect = (connection: PoolClient, order: Order) => Promise<string>

export function alone(app: FastifyInstance, url: string): Promise<void> {
  return serve(app, url, async (connection, order) =>
    JSON.stringify(answerOf(await insertOrder(connection, order), order)),
  )
}

/** What any record of the outcome must cost: a row as large as Reprise's. It is never read, so no key is needed. */
export function withOutcome(app: FastifyInstance, url: string): Promise<void> {
  return serve(app, url, async (connection, order) => {
    const answer = JSON.stringify(answerOf(await insertOrder(connection, order), order))
    await connection.query({
      name: 'insert_outcome',
      text: 'insert into outcomes (id, record, body) values ($1, $2, $3)',
      values: [randomUUID(), completedText, Buffer.from(answer)],
    })
    return answer
  })
}

const outcomes = 'create table if not exists outcomes (id uuid primary key, record text not null, body bytea not null)'

async function serve(app: FastifyInstance, url: string, effect: Effect): Promise<void> {
  const pool = openPool(url)
  await pool.query(schema)
  await pool.query(outcomes)
  app.post('/orders', async (request, reply) => {
    const connection = await pool.connect()
    let answer: string
    try {
      await connection.query('begin')
      answer = await effect(connection, request.body as Order)
      await connection.query('commit')
    } catch (error) {
      // Without a rollback: any failure ends the contest.
      connection.release(true)
      throw error
    }
    connection.release()
    return reply.code(201).type('application/json; charset=utf-8').send(answer)
  })
}
