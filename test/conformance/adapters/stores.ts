// The stores that every adapter is bound to, and the suite bound to each of them.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AdapterExemption, adapterConformance, type Mount, type OpenStore } from '@reprise/testkit'
import pg from 'pg'
import { type MemoryTx, memory } from 'reprise/memory'
import { type PgTx, postgres } from 'reprise/postgres'
import { type SqliteTx, sqlite } from 'reprise/sqlite'
import { afterAll, describe, test } from 'vitest'
import { tableName } from '../../postgres/given.ts'
import { describeWith, sharedPostgres } from '../../services/services.ts'

const openMemory: OpenStore<MemoryTx> = async ({ clock }) => {
  const store = memory({ clock })
  return {
    store,
    effects: {
      get: (tx, key) => tx.get(key) as string | undefined,
      set: (tx, key, value) => tx.set(key, value),
      committed: (key) => store.data.get(key) as string | undefined,
    },
    dispose: () => store.close(),
  }
}

const openSqlite: OpenStore<SqliteTx> = async ({ clock }) => {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-adapter-'))
  const file = join(folder, 'app.db')
  const store = sqlite({ file, clock })
  await store.migrate()
  const { default: Database } = await import('libsql')
  const reader = new Database(file)
  reader.exec('create table effects (key text primary key, value text not null)')
  const read = reader.prepare('select value from effects where key = ?')
  return {
    store,
    effects: {
      get: (tx, key) =>
        (tx.prepare('select value from effects where key = ?').get(key) as { value: string } | undefined)?.value,
      set: (tx, key, value) => void tx.prepare('insert into effects (key, value) values (?, ?)').run(key, value),
      committed: (key) => (read.get(key) as { value: string } | undefined)?.value,
    },
    dispose: async () => {
      await store.close()
      reader.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** One pool for all checks of a file: to connect anew for each would take longer than most of them. */
let pool: pg.Pool | undefined

const openPostgres: OpenStore<PgTx> = async ({ clock }) => {
  pool ??= new pg.Pool({ connectionString: (await sharedPostgres()).url })
  const own = pool
  const table = tableName()
  const store = postgres({ pool: own, table, clock })
  await store.migrate()
  await own.query(`create table ${table}_effects (key text primary key, value text not null)`)
  const read = `select value from ${table}_effects where key = $1`
  return {
    store,
    effects: {
      get: async (tx, key) => (await tx.query<{ value: string }>(read, [key])).rows[0]?.value,
      set: async (tx, key, value) => {
        await tx.query(`insert into ${table}_effects values ($1, $2)`, [key, value])
      },
      committed: async (key) => (await own.query<{ value: string }>(read, [key])).rows[0]?.value,
    },
    dispose: async () => {
      await store.close()
      await own.query(`drop table ${table}, ${table}_effects`)
    },
  }
}

const stores = [
  { name: 'memory()', describe, open: openMemory as OpenStore<unknown> },
  { name: 'sqlite()', describe, open: openSqlite as OpenStore<unknown> },
  { name: 'postgres()', describe: await describeWith('postgres'), open: openPostgres as OpenStore<unknown> },
]

/** Registers the suite for one adapter, on each of the stores. */
export function conforms(
  adapter: string,
  mount: Mount,
  { exempt = [] }: { exempt?: readonly AdapterExemption[] } = {},
): void {
  for (const { name, describe, open } of stores) {
    describe(`${adapter} on ${name}`, () => {
      adapterConformance(test, mount, { open, exempt })
    })
  }
  afterAll(() => pool?.end())
}
