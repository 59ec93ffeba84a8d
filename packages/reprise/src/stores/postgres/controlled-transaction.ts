/** Transactions of libraries that open one and leave its end to whoever has opened it. */

import type { OpenTransaction, ResultRow } from './client.ts'
import { revocable } from './revocable.ts'
import { inline, type Statement, type Value } from './statement.ts'

/** A transaction that a library has opened, by what is done with it. */
export interface Controls<Tx extends object> {
  readonly tx: Tx
  run(text: string): Promise<readonly ResultRow[]>
  commit(): Promise<void>
  rollback(): Promise<void>
}

/** Runs the first statement in a transaction, and gives it back where that fails. */
export async function controlledTransaction<Tx extends object>(
  controls: Controls<Tx>,
  first: Statement,
  values: readonly Value[],
): Promise<OpenTransaction<Tx>> {
  const undo = (): Promise<void> => controls.rollback()
  /** Rolls back behind a statement that has failed, whose error says more than what comes of that. */
  const run = async (text: string): Promise<readonly ResultRow[]> => {
    try {
      return await controls.run(text)
    } catch (error) {
      await undo().catch(() => undefined)
      throw error
    }
  }
  const rows = await run(inline(first, values))
  const { view, revoke } = revocable(controls.tx)
  return {
    rows,
    tx: view,
    revoke,
    commit: async (last, given) => {
      await run(inline(last, given))
      await controls.commit()
    },
    rollback: undo,
    destroy: () => void undo().catch(() => undefined),
  }
}
