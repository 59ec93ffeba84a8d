/** The effect on PostgreSQL: one row, by a statement that each connection prepares once. */

import { Pool } from 'pg'
import type { Order } from '../workload.ts'

/** Of every contender: enough for commits to share a sync, and few enough for two cores. */
export const poolSize = 16

export function openPool(url: string): Pool {
  const pool = new Pool({ connectionString: url, max: poolSize })
  // The end of the server is the end of the contest, and reported there.
  pool.on('error', () => undefined)
  return pool
}

export const schema: string = `create table if not exists orders (
  id bigint generated always as identity primary key,
  sku text not null, quantity integer not null, customer text not null, note text not null
)`

export interface Asks {
  query(statement: { text: string; name: string; values: unknown[] }): Promise<{ readonly rows: unknown[] }>
}

/** The id of the new row, as the driver hands out a bigint. */
export async function insertOrder(connection: Asks, order: Order): Promise<string> {
  const { rows } = await connection.query({
    name: 'insert_order',
    text: 'insert into orders (sku, quantity, customer, note) values ($1, $2, $3, $4) returning id',
    values: [order.sku, order.quantity, order.customer, order.note],
  })
  return (rows as { id: string }[])[0]?.id as string
}
