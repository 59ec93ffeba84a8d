/** The door `@reprise/testkit/model`: explores every interleaving of the transition functions that it is given. */

export { type Explored, explore } from './explore.ts'
export type { Rules } from './rules.ts'
export { settings } from './settings.ts'
export type { Setting } from './world.ts'
