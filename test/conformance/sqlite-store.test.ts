// The embedded store under the whole suite. A crash is a copy of the file and its log, opened while the first store still
// believes that it is alive.
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Effects, type OpenStore, storeConformance } from '@reprise/testkit'
import Database from 'libsql'
import type { Store } from 'reprise'
import { type SqliteTx, sqlite } from 'reprise/sqlite'
import { describe, test } from 'vitest'

const open: OpenStore<SqliteTx> = async ({ clock }) => {
  const folder = mkdtempSync(join(tmpdir(), 'reprise-sqlite-'))
  const opened: Store<SqliteTx>[] = []
  let file = ''
  let outside: InstanceType<typeof Database>

  const openNext = async (): Promise<Store<SqliteTx>> => {
    const before = file
    file = join(folder, `${opened.length}.db`)
    if (before !== '') {
      outside.close()
      for (const part of ['', '-wal']) if (existsSync(before + part)) copyFileSync(before + part, file + part)
    }
    const store = sqlite({ file, clock })
    opened.push(store)
    await store.migrate()
    outside = new Database(file)
    outside.exec('create table if not exists effects (key text primary key, value text)')
    return store
  }
  const valueIn = (row: unknown): string | undefined => (row as { value: string } | undefined)?.value
  const effects: Effects<SqliteTx> = {
    get: (tx, key) => valueIn(tx.prepare('select value from effects where key = ?').get(key)),
    set: (tx, key, value) => {
      const put = 'insert into effects values (?, ?) on conflict (key) do update set value = excluded.value'
      tx.prepare(put).run(key, value)
    },
    committed: (key) => valueIn(outside.prepare('select value from effects where key = ?').get([key])),
  }
  const store = await openNext()
  return {
    store,
    effects,
    reopen: openNext,
    dispose: async () => {
      outside.close()
      // Those before it have crashed: what they had under way never ends, so their closing may not either.
      for (const crashed of opened.slice(0, -1)) void crashed.close()
      await opened.at(-1)?.close()
      rmSync(folder, { recursive: true })
    },
  }
}

describe('sqlite', () => {
  storeConformance(test, open)
})
