/** mysql2 by its shape: its promise pool, or the callback pool that makes one. Nothing of it is imported. */

import { invalid } from '../../engine/options.ts'

/** What the store says to a connection: text with everything in it, and what undoes a pool's own settings. */
export interface MysqlQuery {
  readonly sql: string
  readonly rowsAsArray: false
  readonly nestTables: false
  readonly typeCast: true
  readonly namedPlaceholders: false
}

/** A connection of the pool: `PoolConnection` of mysql2/promise fits. */
export interface MysqlConnection {
  query(query: MysqlQuery): Promise<readonly unknown[]>
  query(sql: never, values?: never): Promise<readonly unknown[]>
  execute(sql: never, values?: never): Promise<readonly unknown[]>
  on(event: 'error' | 'end', listener: (error?: unknown) => void): unknown
  removeListener(event: 'error' | 'end', listener: (error?: unknown) => void): unknown
  release(): void
  destroy(): void
}

/** A pool of connections: `createPool` of mysql2/promise fits. */
export interface MysqlPool<C extends MysqlConnection = MysqlConnection> {
  getConnection(): Promise<C>
}

/** The pool, of whichever kind: that of `createPool` of mysql2 itself comes in as its `promise()`. */
export type AnyMysqlPool<C extends MysqlConnection = MysqlConnection> =
  | MysqlPool<C>
  | { promise(): MysqlPool<C>; getConnection(done: never): unknown }

export function promisePool<C extends MysqlConnection>(pool: AnyMysqlPool<C>): MysqlPool<C> {
  const given: unknown = pool
  if (typeof given !== 'object' || given === null || typeof Reflect.get(given, 'getConnection') !== 'function') {
    throw invalid('mysql', 'pool', given, 'a pool of mysql2: createPool() of mysql2/promise, or of mysql2')
  }
  return 'promise' in pool ? pool.promise() : pool
}
