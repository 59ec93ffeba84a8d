// The memory store keeps the contract of stores.
import { storeConformance } from '@reprise/testkit'
import { type MemoryTx, memory } from 'reprise/memory'
import { describe, test } from 'vitest'

describe('memory()', () => {
  storeConformance<MemoryTx>(
    test,
    async ({ clock }) => {
      const store = memory({ clock })
      await store.migrate()
      return {
        store,
        effects: {
          get: (tx, key) => tx.get(key) as string | undefined,
          set: (tx, key, value) => tx.set(key, value),
          committed: (key) => store.data.get(key) as string | undefined,
        },
        dispose: () => store.close(),
      }
    },
    { exempt: [{ name: 'durable', reason: 'keeps its records in the memory of one process' }] },
  )
})
