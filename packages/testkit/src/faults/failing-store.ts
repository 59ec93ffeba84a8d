/** A store of which one call fails: before it is applied, or after, when only its acknowledgement is lost. */

import type { Store } from 'reprise'

export interface Fault {
  /** Which call fails, counted from 1; 0 for none. */
  readonly at: number
  readonly when: 'before' | 'after'
}

export interface FailingStore<Tx> {
  readonly store: Store<Tx>
  /** How many calls there have been. */
  calls(): number
}

/** The calls of the port that reach for what is stored. */
const counted = [
  'claim',
  'beginEffect',
  'recordStep',
  'renew',
  'settle',
  'find',
  'sweep',
  'list',
  'resolve',
  'erase',
] as const

/**
 * Wraps a store so that its `at`-th call throws. A transaction counts as two calls: its beginning and its end.
 *
 * @example
 * for (let n = 1; n <= calls; n++) await scenario(failNth(memory(), { at: n, when: 'after' }).store)
 */
export function failNth<Tx>(store: Store<Tx>, fault: Fault): FailingStore<Tx> {
  let calls = 0
  async function call<T>(step: () => Promise<T>): Promise<T> {
    calls++
    if (calls !== fault.at) return step()
    if (fault.when === 'after') await step()
    throw new Error(`Call ${calls} failed ${fault.when} it was applied.`)
  }

  const failing: Record<string, unknown> = {}
  for (const name of counted) {
    const step = store[name].bind(store) as (...args: unknown[]) => Promise<unknown>
    failing[name] = (...args: unknown[]) => call(() => step(...args))
  }
  const wrapped = Object.assign(Object.create(store) as Store<Tx>, failing, {
    migrate: () => store.migrate(),
    close: () => store.close(),
    ...(store.watch === undefined ? {} : { watch: store.watch.bind(store) }),
  })
  if (store.begin !== undefined) {
    const begin = store.begin.bind(store)
    wrapped.begin = async (operation, terms, lost) => {
      const begun = await begin(operation, terms, lost)
      if (begun.kind === 'found') return call(async () => begun)
      const { transaction } = begun
      // What fails before it is applied leaves nothing open: a connection that breaks takes its transaction with it.
      const rolledBack = async (error: unknown): Promise<never> => {
        await transaction.end({ kind: 'released', retentionMs: 1, tombstoneMs: 0 })
        throw error
      }
      await call(async () => undefined).catch(rolledBack)
      return {
        kind: 'granted',
        transaction: {
          tx: transaction.tx,
          fence: transaction.fence,
          number: transaction.number,
          end: (ending) => call(() => transaction.end(ending)).catch(rolledBack),
        },
      }
    }
  }
  return { store: wrapped, calls: () => calls }
}
