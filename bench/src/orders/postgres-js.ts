/** The effect on PostgreSQL by postgres.js. */

import postgres, { type ReservedSql, type Sql, type TransactionSql } from 'postgres'
import type { Order } from '../workload.ts'
import { poolSize } from './postgres.ts'

export { schema } from './postgres.ts'

export type Tx = ReservedSql | TransactionSql

export function openSql(url: string): Sql {
  return postgres(url, { max: poolSize, onnotice: () => undefined })
}

export async function insertOrderJs(tx: Tx, order: Order): Promise<string> {
  const rows = await tx<{ id: string }[]>`
    insert into orders (sku, quantity, customer, note)
    values (${order.sku}, ${order.quantity}, ${order.customer}, ${order.note}) returning id`
  return rows[0]?.id as string
}
