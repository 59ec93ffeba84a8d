/** Transactions of libraries that open one only around a function. */

import { systemClock } from '../../engine/clock.ts'
import { RepriseError } from '../../engine/errors.ts'
import type { OpenTransaction, ResultRow } from './client.ts'
import { revocable } from './revocable.ts'
import { inline, type Statement, type Value } from './statement.ts'

/**
 * Opens a transaction that `around` keeps open until it is told how it ends. `run` runs text on it. The library commits when
 * the function that it was given returns, and rolls back when it throws. `lost`: the library has ended it by itself.
 */
export async function callbackTransaction<Tx extends object>(
  around: (within: (tx: Tx) => Promise<void>) => Promise<unknown>,
  run: (tx: Tx, text: string) => Promise<readonly ResultRow[]>,
  first: Statement,
  values: readonly Value[],
  lost: (error: unknown) => void,
): Promise<OpenTransaction<Tx>> {
  let end: { commit(): void; undo(why: unknown): void } | undefined
  const ended = new Promise<void>((commit, undo) => {
    end = { commit, undo }
  })
  ended.catch(() => undefined)
  let ending = false
  let over = false
  let whole: Promise<unknown> = ended
  const opened = new Promise<{ readonly tx: Tx; readonly rows: readonly ResultRow[] }>((resolve) => {
    whole = around(async (given) => {
      resolve({ tx: given, rows: await run(given, inline(first, values)) })
      await ended
    })
  })
  const { tx, rows } = await Promise.race([opened, whole as Promise<never>])
  whole.catch((error: unknown) => {
    over = true
    if (!ending) lost(error)
  })
  const { view, revoke } = revocable(tx)
  const undo = async (): Promise<void> => {
    const undone = new RepriseError('transaction-ended', 'The transaction is rolled back.')
    // A library that notices the loss of its connection says so within two turns of the loop, and may not survive a ROLLBACK
    // after it.
    for (let turns = 2; turns > 0; turns--) await new Promise<void>((resolve) => systemClock.soon(resolve))
    if (over) return
    ending = true
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
      ending = true
      end?.commit()
      await whole
    },
    rollback: undo,
    destroy: () => void undo().catch(() => undefined),
  }
}
