// The example of docs/write-your-own-store.md keeps the contract of stores, and is the text that stands there.
import { storeConformance } from '@reprise/testkit'
import { describe, expect, test } from 'vitest'
import { read } from '../repo.ts'
import { type VersionedTable, versionedStore } from './versioned-store.ts'

/** A table in memory; every call takes a turn, as a network would. */
function tableInMemory(): VersionedTable {
  const rows = new Map<string, { value: string; version: number }>()
  const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  return {
    get: (id) => later().then(() => rows.get(id)),
    put: async (id, value, version) => {
      await later()
      if ((rows.get(id)?.version ?? 0) !== version) return false
      rows.set(id, { value, version: version + 1 })
      return true
    },
    delete: async (id, version) => {
      await later()
      return rows.get(id)?.version === version && rows.delete(id)
    },
    ids: () => later().then(() => [...rows.keys()]),
  }
}

describe('the store of the guide', () => {
  storeConformance<never>(
    test,
    async ({ clock }) => {
      const store = versionedStore(tableInMemory(), clock)
      return { store, dispose: () => store.close() }
    },
    {
      exempt: [
        { name: 'transactional', reason: 'its rows have no transactions' },
        { name: 'durable', reason: 'this table is in memory' },
        { name: 'watch', reason: 'nobody tells it of changes' },
      ],
    },
  )
})

test('the guide shows this very store', () => {
  expect(read('docs/write-your-own-store.md')).toContain(read('test/conformance/versioned-store.ts'))
})
