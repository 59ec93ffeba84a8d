/**
 * Kysely's queries on connections of `pg`. Each goes under a name that stands for its text, so that a connection has it
 * parsed and planned once: a transfer is nothing but the same few statements.
 */
import { createHash } from 'node:crypto'
import type { PostgresPoolClient, PostgresQueryResult } from 'kysely'
import { DatabaseAbsent } from './absence.ts'

/** What a connection and the transaction of an attempt have in common. */
export interface Queryable {
  query(query: {
    readonly text: string
    readonly name?: string
    readonly values?: readonly unknown[]
  }): Promise<{ readonly rows: unknown[]; readonly rowCount: number | null }>
}

/**
 * A connection as Kysely's PostgresDriver wants it.
 *
 * @param release is told whether the connection is of no use any more.
 */
export function namedQueries(connection: Queryable, release: (broken: boolean) => void): PostgresPoolClient {
  let broken = false
  return {
    query: (async (text: string, values: readonly unknown[]) => {
      try {
        return await connection.query({ text, values, ...nameOf(text, values) })
      } catch (error) {
        if (!isAbsence(error)) throw error
        broken = true
        throw new DatabaseAbsent(error)
      }
      // Kysely also asks for cursors, where it streams. The ledger never does.
    }) as PostgresPoolClient['query'] & (() => Promise<PostgresQueryResult<never>>),
    release: () => release(broken),
  }
}

const names = new Map<string, string>()

/** What has no values is said once, such as a migration, or has nothing to plan, such as `commit`. */
function nameOf(text: string, values: readonly unknown[]): { name?: string } {
  if (values.length === 0) return {}
  let name = names.get(text)
  if (name === undefined) {
    // Every value is a parameter, so the texts are as few as the queries in the source.
    name = `ledger_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`
    names.set(text, name)
  }
  return { name }
}

/** Classes of SQLSTATE that say that there was no server to do it: no connection, no room for one, shut down or starting. */
const ABSENCES = ['08', '53', '57']

/** Whether the server said so, or said nothing at all: a connection that was refused, lost, or silent for too long. */
function isAbsence(error: unknown): boolean {
  const { severity, code } = error as { severity?: string; code?: string }
  return severity === undefined || ABSENCES.includes(String(code).slice(0, 2))
}
