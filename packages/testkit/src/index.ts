/** The door `@reprise/testkit`: what tests of Reprise are made of, and of stores that others write for it. */

export { TestClock } from './clock/test-clock.ts'
export {
  type Call,
  type Ending,
  type Mount,
  type Mounted,
  outcomeOf,
  type Site,
  type Style,
} from './conformance/adapter/site.ts'
export {
  type AdapterConformanceOptions,
  type AdapterExemption,
  adapterConformance,
} from './conformance/adapter-conformance.ts'
export {
  type Exemption,
  type RegisterTest,
  type StoreConformanceOptions,
  storeConformance,
} from './conformance/store-conformance.ts'
export type { Ability, Effects, OpenedStore, OpenStore } from './conformance/subject.ts'
export { type FailingStore, type Fault, failNth } from './faults/failing-store.ts'
