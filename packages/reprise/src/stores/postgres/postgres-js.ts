/** postgres.js by its shape: the function that `postgres()` returns fits, and is no dependency. */

import { type Begins, Begun, type PostgresJsConnection } from './begun.ts'
import type { Listening, PostgresClient, ResultRow } from './client.ts'
import type { PgSettings } from './pg.ts'
import { bytesOf, inline, type Statement, type Value } from './statement.ts'

/** The subset of postgres.js that the store needs. */
export interface PostgresJs extends PostgresJsConnection, Begins {
  /** A client that prepares nothing is taken to stand before a pooler. */
  readonly options: { readonly prepare: boolean }
  readonly listen: (
    channel: string,
    heard: (payload: string) => void,
    // biome-ignore lint/suspicious/noExplicitAny: its overloads are its own affair
    onlisten?: any,
  ) => Promise<{ unlisten(): Promise<void> }>
}

/** The transaction of postgres.js, as its own `begin(tx => …)` hands it out. */
export type PostgresJsTransaction<Sql extends PostgresJs> = Parameters<Parameters<Sql['begin']>[1]>[0]

/** The store's client over postgres.js. */
export function postgresJsClient<Sql extends PostgresJs>(
  sql: Sql,
  settings: PgSettings,
): PostgresClient<PostgresJsTransaction<Sql>> {
  const prepare = settings.prepare && sql.options.prepare !== false
  return {
    library: 'postgres.js',
    survivesLoss: true,

    query: async (statement, values) =>
      (await sql.unsafe(statement.text, parametersOf(statement, values), { prepare })) as readonly ResultRow[],

    run: async (text) => {
      await sql.unsafe(text)
    },

    begin: async (isolation, first, values, lost) => {
      const begun = await Begun.open<PostgresJsTransaction<Sql>>(sql, isolation, lost)
      let rows: readonly ResultRow[]
      try {
        rows = await begun.send(first.text, parametersOf(first, values), { prepare })
      } catch (error) {
        await begun.leave().catch(() => undefined)
        throw error
      }
      return {
        rows,
        tx: begun.view,
        revoke: begun.revoke,
        commit: async (last, given) => {
          // As text, which nothing on this side can refuse: COMMIT is sent right behind it. Where the server refuses it, it
          // takes COMMIT for what it then is, a ROLLBACK.
          const written = begun.send(inline(last, given))
          const committed = begun.end('commit')
          await Promise.allSettled([written, committed])
          await written
          await committed
        },
        rollback: () => begun.leave(),
        destroy: () => void begun.leave().catch(() => undefined),
      }
    },

    listen: prepare ? (channel, heard, lost) => listen(sql, channel, heard, lost) : undefined,
  }
}

/** It keeps a connection for what it listens to, and the locks of those who wait are held there as well. */
async function listen(
  sql: PostgresJs,
  channel: string,
  heard: (payload: string) => void,
  lost: () => void,
): Promise<Listening> {
  let first = true
  // It listens again by itself after a loss, but the locks are gone, and what was notified meanwhile.
  const subscription = await sql.listen(channel, heard, () => {
    if (!first) lost()
    first = false
  })
  const connection = Reflect.get(sql.listen, 'sql') as PostgresJsConnection | undefined
  if (connection === undefined) {
    await subscription.unlisten()
    throw new TypeError('This postgres.js does not show the connection that it listens on.')
  }
  return {
    run: async (statement, values) => {
      await connection.unsafe(inline(statement, values))
    },
    end: async () => {
      await Promise.all([subscription.unlisten(), connection.unsafe('select pg_advisory_unlock_all()')])
    },
  }
}

/** It writes bytes by itself, so it is given them as bytes. */
function parametersOf({ types }: Statement, values: readonly Value[]): readonly unknown[] {
  return values.map((value, n) => (types[n] === 'bytea' && typeof value === 'string' ? bytesOf(value) : value))
}
