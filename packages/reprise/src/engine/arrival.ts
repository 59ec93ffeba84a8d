/** What the engine is given: an arrival, the handler to call for it, and the ports to the outside. */

import type { Attempt } from './attempt.ts'
import type { Clock } from './clock.ts'
import type { Conclusion, Verdict } from './conclusion.ts'
import type { Randomness } from './ids.ts'
import type { OperationRecord } from './record.ts'
import type { Store } from './store.ts'

/** One arrival of an operation. */
export interface Arrival {
  readonly id: string
  readonly fingerprint: string
  readonly key: string
  readonly principal: string
}

/** The handler, as the engine calls it: at most once per arrival. */
export type Effect<Tx> = (attempt: Attempt<Tx>) => Verdict | Promise<Verdict>

/** Everything that the engine takes from outside. */
export interface Ports<Tx> {
  readonly store: Store<Tx>
  readonly clock: Clock
  readonly randomness: Randomness
}

/** A conclusion, or a record that this attempt may not run over. */
export type Performed =
  | Exclude<Conclusion, { kind: 'replayed' | 'mismatch' | 'in-progress' | 'expired' }>
  | { readonly kind: 'found'; readonly record: OperationRecord }
