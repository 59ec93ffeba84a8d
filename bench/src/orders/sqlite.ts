/** The effect on SQLite: one row. */

import type { Order } from '../workload.ts'

export const schema: string = `create table if not exists orders (
  id integer primary key, sku text not null, quantity integer not null, customer text not null, note text not null
) strict`

export const insert: string = 'insert into orders (sku, quantity, customer, note) values (?, ?, ?, ?)'

export function parameters(order: Order): (string | number)[] {
  return [order.sku, order.quantity, order.customer, order.note]
}
