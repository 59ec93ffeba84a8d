// The two drivers under the same tests: how a store is opened over each, how a handler uses it, and how one sees that every
// connection has come back.
import pg from 'pg'
import openPostgresJs from 'postgres'
import { createReprise, type Reprise, type RunEnd, type Store } from 'reprise'
import { type PostgresSettings, postgres } from 'reprise/postgres'
import { vi } from 'vitest'

/** A process, as far as the server can tell: a pool, a store and a service of its own. */
export interface Process {
  readonly store: Store<unknown>
  readonly reprise: Reprise<unknown>
  /** Runs text with parameters inside the transaction of an attempt. */
  readonly exec: (tx: unknown, text: string, values?: readonly unknown[]) => Promise<unknown>
  /** Resolves when every connection is free again, and throws when one never is. */
  readonly idle: () => Promise<void>
  readonly close: () => Promise<void>
}

const max = 4
export type Library = 'pg' | 'postgres.js'
export const libraries: readonly Library[] = ['pg', 'postgres.js']

export async function open(library: Library, url: string, settings: PostgresSettings = {}): Promise<Process> {
  const opened = library === 'pg' ? overPg(url, settings) : overPostgresJs(url, settings)
  await opened.store.migrate()
  const reprise = createReprise({ store: opened.store, principal: () => 'p', replayCacheBytes: 0 })
  return { ...opened, reprise }
}

type Opened = Omit<Process, 'reprise'>

function overPg(url: string, settings: PostgresSettings): Opened {
  const pool = new pg.Pool({ connectionString: url, max })
  // Told of connections that nobody uses. The loss of one that the store uses has to be nobody else's affair.
  pool.on('error', () => undefined)
  const store = postgres({ ...settings, pool })
  return {
    store: store as Store<unknown>,
    exec: (tx, text, values = []) => (tx as pg.PoolClient).query(text, [...values]),
    idle: () =>
      vi.waitFor(() => {
        const { totalCount, idleCount, waitingCount } = pool
        if (totalCount !== idleCount || waitingCount > 0) {
          throw new Error(`${totalCount} connections, ${idleCount} of them idle, ${waitingCount} wait`)
        }
      }, 2000),
    close: async () => {
      await store.close()
      await pool.end()
    },
  }
}

function overPostgresJs(url: string, settings: PostgresSettings): Opened {
  // Without its question for the types of arrays, which goes unhandled when it is cut off.
  const sql = openPostgresJs(url, { max, fetch_types: false, backoff: false, onnotice: () => undefined })
  const store = postgres({ ...settings, sql })
  return {
    store: store as Store<unknown>,
    exec: async (tx, text, values = []) => (tx as openPostgresJs.TransactionSql).unsafe(text, [...values] as never[]),
    idle: async () => {
      // Whoever first uses a connection that was lost may be told what its last user should have been.
      await Promise.allSettled(Array.from({ length: max }, () => sql`select 1`))
      let entered = 0
      let all: () => void = () => undefined
      const together = new Promise<void>((resolve) => {
        all = resolve
      })
      const enter = (): Promise<unknown> =>
        sql.begin(async (tx) => {
          await tx`select 1`
          if (++entered === max) all()
          await together
        })
      const late = new Promise<never>((_, reject) => {
        setTimeout(() => reject(new Error(`${entered} of ${max} connections are free`)), 2000).unref()
      })
      await Promise.race([Promise.all(Array.from({ length: max }, enter)), late])
    },
    close: async () => {
      await store.close()
      await sql.end({ timeout: 1 })
    },
  }
}

/** How a run ended, in a word: the value, the kind, or the code of the error. */
export async function told(run: Promise<RunEnd<unknown>>): Promise<string> {
  try {
    const end = await run
    return end.kind === 'done' ? `${end.replayed ? 'replayed' : 'done'} ${String(end.value)}` : end.kind
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    return `threw ${code ?? message}`
  }
}
