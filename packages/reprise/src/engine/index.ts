/** The door `reprise/engine`: the pure middle, for those who write a store of their own or hold one to its contract. */

export { type Attempt, RunningAttempt } from './attempt.ts'
export { type Clock, sleep, systemClock } from './clock.ts'
export type { Conclusion, Verdict } from './conclusion.ts'
export { type Decision, decide } from './decide.ts'
export { type Arrival, type Effect, Engine, type EngineLimits, type Ports } from './engine.ts'
export { type ErrorCode, isRepriseError, RepriseError } from './errors.ts'
export { type Randomness, systemRandomness } from './ids.ts'
export { downstreamKey, operationId, type Pepper, pepperOf } from './operation-id.ts'
export { compilePolicy, defaultPolicy, type Policy, type PolicyDefaults, type PolicyOptions } from './policy.ts'
export * from './record.ts'
export * from './store.ts'
export * from './transitions.ts'
