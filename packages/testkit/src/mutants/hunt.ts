/** Looks for a planted bug with each of the finders, and says how long it took. */

import { storeConformance } from '../conformance/store-conformance.ts'
import { explore } from '../model/explore.ts'
import { settings } from '../model/settings.ts'
import { atTopOfTurn } from '../simulation/drain.ts'
import type { Library } from '../simulation/library.ts'
import { simulate } from '../simulation/simulate.ts'
import type { Finder, Mutant } from './mutant.ts'
import type { Planted } from './plant.ts'

export interface Found {
  readonly by: Finder
  /** Histories, worlds or checks that were looked at until then. */
  readonly after: number
  /** What broke: a law, or the name of a check. */
  readonly what: string
}

/** Most histories that are tried; a bug that hides longer than that has to be looked for in another way. */
export const historiesMax = 20_000

export async function hunt(
  by: Finder,
  mutant: Pick<Mutant, 'mode' | 'guarantee'>,
  planted: Planted,
  histories: number = historiesMax,
): Promise<Found | undefined> {
  switch (by) {
    case 'simulation':
      return atTopOfTurn(() => bySimulation(mutant, planted.library, histories))
    case 'model':
      return byModel(planted.library)
    case 'conformance':
      return byConformance(planted)
  }
}

function bySimulation(
  { mode, guarantee }: Pick<Mutant, 'mode' | 'guarantee'>,
  library: Library,
  histories: number,
): Found | undefined {
  for (let seed = 1; seed <= histories; seed++) {
    const { violations } = simulate(library, seed, { mode, guarantee })
    const [first] = violations
    if (first !== undefined) return { by: 'simulation', after: seed, what: first.law }
  }
  return undefined
}

function byModel({ engine }: Library): Found | undefined {
  let worlds = 0
  for (const setting of settings) {
    if (!setting.small) continue
    const { states, violation } = explore(setting, engine)
    worlds += states
    if (violation !== undefined) return { by: 'model', after: worlds, what: violation.law.split(':')[0] ?? '' }
  }
  return undefined
}

async function byConformance({ memory }: Planted): Promise<Found | undefined> {
  const checks: [name: string, run: () => Promise<void>][] = []
  storeConformance<import('reprise/memory').MemoryTx>(
    (name, run) => checks.push([name, run]),
    async ({ clock }) => {
      const store = memory.memory({ clock })
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
    { exempt: [{ name: 'durable', reason: 'keeps its records in the memory of one process' }], seed: 1 },
  )
  let after = 0
  for (const [name, run] of checks) {
    after++
    try {
      await run()
    } catch {
      return { by: 'conformance', after, what: name }
    }
  }
  return undefined
}
