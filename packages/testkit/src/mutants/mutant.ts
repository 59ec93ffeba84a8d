/**
 * A planted bug: one change of the library's compiled code, such as a careless hand or a plausible idea would make it.
 * A test suite is worth what it finds of these.
 */

import type { Guarantee } from 'reprise'

/** One replacement in one file of the build. `from` has to stand there exactly once, or the mutant has rotted. */
export interface Edit {
  /** Path inside the build, such as `engine/transitions.js`. */
  readonly file: string
  readonly from: string
  readonly to: string
}

/** What is able to find bugs; each has its own idea of what is right. */
export type Finder =
  /** Seeds of the simulation, judged by the laws of the history. */
  | 'simulation'
  /** Every interleaving of the transitions, in small worlds. */
  | 'model'
  /** The published contract of stores, held up to the memory store. */
  | 'conformance'

export interface Mutant {
  readonly name: string
  readonly story: string
  readonly edits: readonly Edit[]
  /** Who must find it. Others may find it too. */
  readonly foundBy: Finder
  /** Where the simulation looks; `engine` unless told. */
  readonly mode?: 'engine' | 'http'
  /** Drawn per seed unless told. */
  readonly guarantee?: Guarantee
}

/** A change that breaks no promise: nothing must find it, and something else pays for it. */
export interface Harmless extends Omit<Mutant, 'foundBy'> {
  readonly reason: string
  readonly cost: string
}

/** A mutant that is one replacement. */
export function edit(file: string, from: string, to: string): Pick<Mutant, 'edits'> {
  return { edits: [{ file, from, to }] }
}
