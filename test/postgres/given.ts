// Tables, databases and pools of their own for each check, on the shared server.
import pg from 'pg'
import { vi } from 'vitest'

let made = 0

/** A name that no other check of any process has. */
export function tableName(): string {
  made++
  return `t${process.pid.toString(36)}_${Date.now().toString(36)}_${made}`
}

/** A pool whose connections can be cut off at once, as the end of a process cuts them. */
export class CuttablePool extends pg.Pool {
  readonly #clients = new Set<pg.PoolClient>()

  constructor(url: string, config: pg.PoolConfig = {}) {
    super({ connectionString: url, max: 30, ...config })
    this.on('connect', (client) => this.#clients.add(client))
    this.on('remove', (client) => this.#clients.delete(client))
    this.on('error', () => undefined)
  }

  /** Ends every connection without a word, and waits until the server has noticed. */
  async cut(): Promise<void> {
    for (const client of this.#clients) {
      client.on('error', () => undefined)
      ;(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
    }
    this.#clients.clear()
  }
}

/** Sees what is committed, and nothing else. */
export interface Outside {
  readonly pool: pg.Pool
  /** Effects of a key in the table `effects`. */
  effects(key: string): Promise<number>
  /** Resolves when no advisory lock of the database is held any more; throws when some are held for long. */
  noLocks(): Promise<void>
  one(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>>
  end(): Promise<void>
}

export async function outside(url: string): Promise<Outside> {
  const pool = new pg.Pool({ connectionString: url, max: 5 })
  // Servers are killed under it.
  pool.on('error', () => undefined)
  await pool.query('create table if not exists effects (key text not null)')
  const one: Outside['one'] = async (text, values = []) =>
    (await pool.query(text, [...values])).rows[0] as Record<string, unknown>
  return {
    pool,
    one,
    effects: async (key) => Number((await one('select count(*) as n from effects where key = $1', [key])).n),
    noLocks: () =>
      vi.waitFor(async () => {
        const held = await one(
          "select count(*) as n from pg_locks where locktype = 'advisory' and database = " +
            '(select oid from pg_database where datname = current_database())',
        )
        if (Number(held.n) > 0) throw new Error(`${Number(held.n)} advisory locks are held`)
      }, 3000),
    end: () => pool.end(),
  }
}

/** A database of its own on a server, so that its locks and settings are nobody else's. */
export async function ownDatabase(url: string, settings: Readonly<Record<string, string>> = {}): Promise<string> {
  const name = tableName()
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  try {
    await admin.query(`create database ${name}`)
    for (const [setting, value] of Object.entries(settings)) {
      await admin.query(`alter database ${name} set ${setting} = '${value}'`)
    }
  } finally {
    await admin.end()
  }
  const own = new URL(url)
  own.pathname = `/${name}`
  return own.href
}
