/** The one workload that every contender answers: the same request, the same effect, the same bytes. */

/** About 100 bytes, as a client would send them. */
export const requestBody: string = JSON.stringify({
  sku: 'teapot-blue-1l',
  quantity: 2,
  customer: 'c_01hzx3v9k2',
  note: 'leave it with the neighbour',
})

export interface Order {
  readonly sku: string
  readonly quantity: number
  readonly customer: string
  readonly note: string
}

/** What every contender answers, from the row that it inserted (or would have). */
export function answerOf(id: number | bigint, order: Order): { id: string; status: string } & Order {
  return { id: `o_${id}`, status: 'accepted', ...order }
}

export const schema: string = `create table if not exists orders (
  id integer primary key, sku text not null, quantity integer not null, customer text not null, note text not null
) strict`

export const insert: string = 'insert into orders (sku, quantity, customer, note) values (?, ?, ?, ?)'

export function parameters(order: Order): (string | number)[] {
  return [order.sku, order.quantity, order.customer, order.note]
}

export const connections = 64
/** How many keys the replays go round. */
export const knownKeys = 1000
