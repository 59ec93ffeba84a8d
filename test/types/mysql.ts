// Compiled, never run: the store for MySQL, which is typed by shape alone, fits the types of mysql2.

import { createPool as createCallbackPool, type ResultSetHeader, type RowDataPacket } from 'mysql2'
import { createPool, type Pool, type PoolConnection } from 'mysql2/promise'
import { type Attempt, createReprise, reply } from 'reprise'
import type { Store } from 'reprise/engine'
import { idempotent } from 'reprise/express'
import { type MysqlPool, type MysqlTx, mysql, mysqlMigrations } from 'reprise/mysql'

/** Takes a value of exactly one type. */
declare function exactly<T>(): <U>(
  value: U,
  ...same: [T] extends [U] ? ([U] extends [T] ? [] : [never]) : [never]
) => void
const stores = exactly<Store<MysqlTx<PoolConnection>>>()

export function poolsFit(pool: Pool): void {
  stores(mysql({ pool }))
  stores(mysql({ pool: createPool('mysql://localhost/shop') }))
  stores(mysql({ pool: createCallbackPool('mysql://localhost/shop') }))
  stores(mysql({ pool: createCallbackPool({}).promise(), table: 'shop.records', lockTimeout: '5s' }))
  const shape: MysqlPool = pool
  mysql({ pool: shape, acceptLoss: ['sync_binlog'], isolation: 'repeatable-read', busyTimeout: 1000 })
  const statements: readonly string[] = mysqlMigrations({ table: 'records' })
  statements.join(';')
  // @ts-expect-error: a pool is required
  mysql({})
  // @ts-expect-error: a connection is no pool
  mysql({ pool: {} as PoolConnection })
  // @ts-expect-error: only losses that there are can be accepted
  mysql({ pool, acceptLoss: ['read_only'] })
}

interface Order extends RowDataPacket {
  readonly id: number
}

export async function handlersUseWhatTheyKnow({ tx }: Attempt<MysqlTx<PoolConnection>>): Promise<number> {
  const [orders] = await tx.query<Order[]>('select id from orders where sku = ?', ['x'])
  const [inserted] = await tx.execute<ResultSetHeader>('insert into orders (sku) values (?)', ['x'])
  const [again] = await tx.query<Order[]>({ sql: 'select id from orders', rowsAsArray: false })
  // @ts-expect-error: the transaction is not the handler's to end
  void tx.commit
  // @ts-expect-error: nor is the connection
  void tx.release
  return (orders[0]?.id ?? 0) + inserted.insertId + again.length
}

export function routesFit(pool: Pool): void {
  const reprise = createReprise({ store: mysql({ pool }), principal: () => 'p' })
  idempotent(reprise, { name: 'order.create', guarantee: 'transactional' }, async ({ tx }) => {
    const [inserted] = await tx.execute<ResultSetHeader>('insert into orders (sku) values (?)', ['x'])
    return reply(201, { id: inserted.insertId })
  })
}
