/** The planted bugs, room by room. */

import { answerMutants } from './answers.ts'
import { arrivalMutants } from './arrivals.ts'
import { attemptMutants } from './attempts.ts'
import type { Mutant } from './mutant.ts'
import { recordMutants } from './records.ts'
import { storeMutants } from './stores.ts'

export { harmless } from './harmless.ts'
export type { Edit, Finder, Harmless, Mutant } from './mutant.ts'

export const mutants: readonly Mutant[] = [
  ...recordMutants,
  ...attemptMutants,
  ...arrivalMutants,
  ...answerMutants,
  ...storeMutants,
]
