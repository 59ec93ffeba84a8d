/** The memory store as the model of every other: the same commands at the same times have to leave the same records. */

import assert from 'node:assert/strict'
import type { OperationRecord, Store } from 'reprise/engine'
import { type PlainRecord, plain } from './records.ts'

/**
 * A record without its fence. That a fence grows is the contract, and is checked by itself; how much it grows after a
 * sweep is left to the store.
 */
function withoutFence(record: OperationRecord | undefined): PlainRecord | undefined {
  const kept = plain(record)
  return kept === undefined ? undefined : { ...kept, fence: 'grows' }
}

/** Both stores say the same of this operation. */
export async function assertAlike(store: Store, model: Store, id: string, when: string): Promise<void> {
  const expected = withoutFence(await model.find(id))
  assert.deepEqual(withoutFence(await store.find(id)), expected, when)
}
