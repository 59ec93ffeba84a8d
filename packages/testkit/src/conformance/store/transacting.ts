/** What checks of transactions start from. */

import assert from 'node:assert/strict'
import type { Operation, Store, Terms, Transaction, TransactionEnding } from 'reprise/engine'
import { completed, horizons, terms } from './given.ts'

export const kept = (body = 'done'): TransactionEnding => ({ ...completed(body), effect: 'kept' })
export const undone = (body = 'refused'): TransactionEnding => ({ ...completed(body), effect: 'undone' })
export const released: TransactionEnding = { kind: 'released', ...horizons }
export const nobodyIsLost = (): void => assert.fail('no transaction was given up')

/** `use` is refused, because the transaction is over. */
export async function assertRefused(use: () => unknown): Promise<void> {
  await assert.rejects(
    async () => use(),
    (error: { code?: unknown }) => {
      return error.code === 'transaction-ended' || error.code === 'attempt-overdue'
    },
  )
}

/** Opens a transaction of an operation that is free. */
export async function opened(
  store: Store,
  operation: Operation,
  asked: Terms = terms({ guarantee: 'transactional' }),
  lost: () => void = () => undefined,
): Promise<Transaction<unknown>> {
  const result = await beginOn(store)(operation, asked, lost)
  assert.equal(result.kind, 'granted', 'expected a transaction, found a record')
  return (result as Extract<typeof result, { kind: 'granted' }>).transaction
}

/** The `begin` of a transactional store. */
export function beginOn(store: Store): NonNullable<Store['begin']> {
  return (operation, asked, lost) => {
    const beginning = store.begin?.(operation, asked, lost)
    assert.ok(beginning, 'a transactional store offers begin')
    return beginning
  }
}
