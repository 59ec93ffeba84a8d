/**
 * SQLite libraries by their shape: better-sqlite3, libsql and node:sqlite fit, and none is a dependency. Where the user
 * passes none, the first that is installed is taken.
 */

import { createRequire } from 'node:module'
import { RepriseError } from '../../engine/errors.ts'

export type SqlValue = string | number | bigint | null | Uint8Array

export interface DriverStatement {
  run(...parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint }
  get(...parameters: readonly unknown[]): unknown
  all(...parameters: readonly unknown[]): unknown[]
  iterate(...parameters: readonly unknown[]): IterableIterator<unknown>
  readonly reader?: boolean
}

/** The subset of a connection that the store needs. */
export interface DriverConnection {
  prepare(sql: string): DriverStatement
  exec(sql: string): unknown
  close(): unknown
  readonly inTransaction?: boolean
  readonly isTransaction?: boolean
}

/** `Database` of better-sqlite3 and libsql, `DatabaseSync` of node:sqlite. */
export type Driver = new (file: string) => DriverConnection

/** In the order of preference: libsql brings its binary inside its package, node:sqlite is still marked experimental. */
const known = ['libsql', 'better-sqlite3', 'node:sqlite'] as const

/**
 * The first installed driver, looked for from the application's folder and from this package's.
 *
 * Throws `driver-missing` where there is none.
 */
export function installedDriver(): Driver {
  const places = [createRequire(`${process.cwd()}/`), createRequire(import.meta.url)]
  const faults: unknown[] = []
  for (const name of known) {
    for (const require of places) {
      try {
        const module = require(name) as { default?: Driver; DatabaseSync?: Driver } & Driver
        return module.DatabaseSync ?? module.default ?? module
      } catch (error) {
        faults.push(error)
      }
    }
  }
  throw new RepriseError('driver-missing', `None of ${known.join(', ')} can be loaded.`, {
    cause: new AggregateError(faults),
  })
}

/**
 * How parameters reach a statement. libsql and better-sqlite3 take them as one array, and libsql ends the process on a
 * lone Buffer outside of one; node:sqlite takes them one by one.
 */
export function takesArrays(connection: DriverConnection): boolean {
  return 'pragma' in connection
}

/** Whether a transaction is open; true where the driver can't tell, since the next statement will. */
export function inTransaction(connection: DriverConnection): boolean {
  return connection.inTransaction ?? connection.isTransaction ?? true
}
