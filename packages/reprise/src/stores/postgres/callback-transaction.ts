/** Transactions of libraries that open one only around a function. */

import { RepriseError } from '../../engine/errors.ts'
import type { OpenTransaction, ResultRow } from './client.ts'
import { revocable } from './revocable.ts'
import { inline, type Statement, type Value } from './statement.ts'

/**
 * Opens a transaction that `around` keeps open until it is told how it ends. `run` runs text on it. The library commits when
 * the function that it was given returns, and rolls back when it throws.
 */
export async function callbackTransaction<Tx extends object>(
  around: (within: (tx: Tx) => Promise<void>) => Promise<unknown>,
  run: (tx: Tx, text: string) => Promise<readonly ResultRow[]>,
  first: Statement,
  values: readonly Value[],
): Promise<OpenTransaction<Tx>> {
  let end: { commit(): void; undo(why: unknown): void } | undefined
  const ended = new Promise<void>((commit, undo) => {
    end = { commit, undo }
  })
  ended.catch(() => undefined)
  let whole: Promise<unknown> = Promise.resolve()
  const { tx, rows } = await new Promise<{ readonly tx: Tx; readonly rows: readonly ResultRow[] }>((opened, failed) => {
    whole = around(async (given) => {
      opened({ tx: given, rows: await run(given, inline(first, values)) })
      await ended
    })
    whole.catch(failed)
  })
  const { view, revoke } = revocable(tx)
  const undo = async (): Promise<void> => {
    const undone = new RepriseError('transaction-ended', 'The transaction is rolled back.')
    end?.undo(undone)
    try {
      await whole
    } catch (error) {
      if (error !== undone && (error as { cause?: unknown }).cause !== undone) throw error
    }
  }
  return {
    rows,
    tx: view,
    revoke,
    commit: async (last, given) => {
      try {
        await run(tx, inline(last, given))
      } catch (error) {
        await undo().catch(() => undefined)
        throw error
      }
      end?.commit()
      await whole
    },
    rollback: undo,
    destroy: () => void undo().catch(() => undefined),
  }
}
