/** The door `@reprise/testkit/history`: what a run of any kind looked like from outside, and which laws it breaks. */

export { check } from './check.ts'
export type * from './history.ts'
export { timeline } from './timeline.ts'
