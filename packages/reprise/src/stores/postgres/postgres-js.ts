/** postgres.js by its shape: the function that `postgres()` returns fits, and is no dependency. */

import type { OpenTransaction, PostgresClient, ResultRow } from './client.ts'
import { beginText, type PgSettings } from './pg.ts'
import { revocable } from './revocable.ts'
import { bytesOf, inline, type Statement, type Value } from './statement.ts'

/** The subset of a connection of postgres.js that the store needs. */
export interface PostgresJsConnection {
  // biome-ignore lint/suspicious/noExplicitAny: its overloads are its own affair
  unsafe(text: string, values?: any, options?: any): PromiseLike<any>
}

/** The subset of postgres.js that the store needs. */
export interface PostgresJs extends PostgresJsConnection {
  reserve(): Promise<PostgresJsConnection & { release(): void }>
  // biome-ignore lint/suspicious/noExplicitAny: its overloads are its own affair
  listen(channel: string, heard: (payload: string) => void, onlisten?: any): Promise<{ unlisten(): Promise<void> }>
}

type Reserved<Sql extends PostgresJs> = Awaited<ReturnType<Sql['reserve']>>

/** The store's client over postgres.js, which sends what is asked of a connection without waiting for answers. */
export function postgresJsClient<Sql extends PostgresJs>(
  sql: Sql,
  { prepare }: PgSettings,
): PostgresClient<Reserved<Sql>> {
  const ask: Ask = (on, statement, values) =>
    settled(on.unsafe(statement.text, parametersOf(statement, values), { prepare }))

  return {
    library: 'postgres.js',
    survivesLoss: true,

    query: (statement, values) => ask(sql, statement, values),

    run: async (text) => {
      await sql.unsafe(text)
    },

    begin: async (isolation, first, values) => {
      const connection = (await sql.reserve()) as Reserved<Sql>
      try {
        const begun = settled(connection.unsafe(beginText(isolation)))
        const [, rows] = await Promise.all([begun, ask(connection, first, values)])
        return openOn(connection, rows, ask)
      } catch (error) {
        await leave(connection)
        throw error
      }
    },

    listen: prepare
      ? async (channel, heard, lost) => {
          const connection = await sql.reserve()
          let first = true
          // It listens again by itself after a loss, but what was notified meanwhile is lost.
          const subscription = await sql.listen(channel, heard, () => {
            if (!first) lost()
            first = false
          })
          return {
            run: async (statement, values) => {
              await connection.unsafe(inline(statement, values))
            },
            end: async () => {
              try {
                await connection.unsafe('select pg_advisory_unlock_all()')
                await subscription.unlisten()
              } finally {
                connection.release()
              }
            },
          }
        }
      : undefined,
  }
}

type Connection = PostgresJsConnection & { release(): void }
type Ask = (on: PostgresJsConnection, statement: Statement, values: readonly Value[]) => Promise<readonly ResultRow[]>

/** Its queries are sent when somebody waits for them: this one is sent now. */
function settled<Rows>(pending: PromiseLike<Rows>): Promise<Rows> {
  const sent = Promise.resolve(pending)
  // Whoever waits for several at once hears of the first that fails.
  sent.catch(() => undefined)
  return sent
}

/** It writes bytes by itself, so it is given them as bytes. */
function parametersOf({ types }: Statement, values: readonly Value[]): readonly unknown[] {
  return values.map((value, n) => (types[n] === 'bytea' && typeof value === 'string' ? bytesOf(value) : value))
}

function openOn<On extends Connection>(connection: On, rows: readonly ResultRow[], ask: Ask): OpenTransaction<On> {
  const { view, revoke } = revocable(connection)
  let left: Promise<void> | undefined
  const leaveOnce = (): Promise<void> => {
    left ??= leave(connection)
    return left
  }
  return {
    rows,
    tx: view,
    revoke,
    commit: async (last, values) => {
      // After a failure the server takes COMMIT for what it then is, a ROLLBACK.
      const written = ask(connection, last, values)
      const committed = settled(connection.unsafe('commit'))
      try {
        await written
        await committed
      } catch (error) {
        await committed.catch(() => undefined)
        await leaveOnce().catch(() => undefined)
        throw error
      }
      left = Promise.resolve()
      connection.release()
    },
    rollback: leaveOnce,
    destroy: () => void leaveOnce().catch(() => undefined),
  }
}

/** Rolls back and gives the connection back, whatever state it is in. */
async function leave(connection: Connection): Promise<void> {
  try {
    await connection.unsafe('rollback')
  } finally {
    connection.release()
  }
}
