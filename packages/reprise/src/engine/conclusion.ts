/** How one arrival of an operation ended, for whoever has to answer it. */

import type { Completed, Expired, OperationRecord, Outcome, Unknown } from './record.ts'

export type Conclusion =
  /** The effect ran in this attempt and its outcome is durable. */
  | { readonly kind: 'executed'; readonly record: Completed }
  /** An earlier attempt had completed. */
  | { readonly kind: 'replayed'; readonly record: Completed }
  /** Nothing happened. The handler refused for now, threw (`error`), or asked not to be stored. */
  | { readonly kind: 'released'; readonly error: unknown; readonly threw: boolean }
  /** The key is bound to another request. */
  | { readonly kind: 'mismatch'; readonly record: OperationRecord }
  /** Another attempt holds the claim. */
  | { readonly kind: 'in-progress'; readonly startedAtMs: number; readonly retryAfterMs: number }
  | { readonly kind: 'unknown'; readonly record: Unknown; readonly error: unknown }
  | { readonly kind: 'expired'; readonly record: Expired }
  /**
   * The store could not do its work. `effect: 'none'`: the handler has not run, or was rolled back; `'unknown'`: an
   * effect may exist, and the next attempt will be told.
   */
  | { readonly kind: 'unavailable'; readonly effect: 'none' | 'unknown'; readonly error: unknown }

/** What the handler says about its effect; knowledge of the effect decides, not the status alone. */
export type Verdict =
  /** The effect stands, and this is its outcome. */
  | { readonly kind: 'keep'; readonly outcome: Outcome }
  /** A deterministic refusal: no effect, and the refusal is the outcome. */
  | { readonly kind: 'refuse'; readonly outcome: Outcome }
  /** No effect, and nothing to remember: the same key may run again. */
  | { readonly kind: 'release' }
  /** It failed, and only the commit point tells whether an effect may exist. */
  | { readonly kind: 'fail' }
