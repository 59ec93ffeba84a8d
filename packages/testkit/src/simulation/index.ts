/** The door `@reprise/testkit/simulation`: whole services under faults, each run decided by its seed. */

export { atTopOfTurn } from './drain.ts'
export { installed, type Library } from './library.ts'
export { type Shrunk, shrink } from './shrink.ts'
export { type SimulationOptions, type SimulationResult, simulate } from './simulate.ts'
export { addCounts, type Counts, noCounts, type Sometimes, sometimes } from './sometimes.ts'
export type { Weather } from './weather.ts'
