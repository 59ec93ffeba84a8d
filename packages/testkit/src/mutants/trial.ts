/** One mutant against one finder: what a worker does, and what it reports. */

import { type Found, hunt } from './hunt.ts'
import { harmless, mutants } from './index.ts'
import type { Finder } from './mutant.ts'
import { Rotten, withPlanted } from './plant.ts'

export interface TrialJob {
  /** Name of a mutant, harmless ones included. */
  readonly name: string
  readonly by: Finder
  readonly histories: number
}

export type Trial = TrialJob &
  (
    | { readonly kind: 'found'; readonly found: Found }
    | { readonly kind: 'missed' }
    /** The bug can't be planted any more: the code that it changes has changed. */
    | { readonly kind: 'rotten'; readonly why: string }
  )

export async function tryOut(job: TrialJob): Promise<Trial> {
  const mutant = [...mutants, ...harmless].find(({ name }) => name === job.name)
  if (mutant === undefined) throw new TypeError(`There is no mutant "${job.name}".`)
  try {
    return await withPlanted(mutant.edits, async (planted) => {
      const found = await hunt(job.by, mutant, planted, job.histories)
      return found === undefined ? { ...job, kind: 'missed' } : { ...job, kind: 'found', found }
    })
  } catch (error) {
    if (error instanceof Rotten) return { ...job, kind: 'rotten', why: error.message }
    throw error
  }
}
