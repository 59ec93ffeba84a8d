// The stores that every adapter is bound to, and the suite bound to each of them.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AdapterExemption, adapterConformance, type Mount, type OpenStore } from '@reprise/testkit'
import { type MemoryTx, memory } from 'reprise/memory'
import { type SqliteTx, sqlite } from 'reprise/sqlite'
import { describe, test } from 'vitest'

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

export const onMemory = { name: 'memory()', open: openMemory as OpenStore<unknown> }
export const onSqlite = { name: 'sqlite()', open: openSqlite as OpenStore<unknown> }

/** Registers the suite for one adapter, on each of the stores. */
export function conforms(
  adapter: string,
  mount: Mount,
  { exempt = [], stores = [onMemory] }: { exempt?: readonly AdapterExemption[]; stores?: (typeof onMemory)[] } = {},
): void {
  for (const { name, open } of stores) {
    describe(`${adapter} on ${name}`, () => {
      adapterConformance(test, mount, { open, exempt })
    })
  }
}
