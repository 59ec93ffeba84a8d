// What the tests of single adapters start from.
import { createReprise, type Reprise } from 'reprise'
import { type MemoryTx, memory } from 'reprise/memory'

export const policy = { name: 'order.create', guarantee: 'transactional' } as const

export function aReprise(): Reprise<MemoryTx> {
  return createReprise({ store: memory(), principal: () => 'alice' })
}

/** The header lines of a request under a key. */
export function under(key: string, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { 'content-type': 'application/json', 'idempotency-key': key, ...more }
}
