/** Turns a handler's return and throw into one value, at the one place where it is called. */

import type { Attempt } from './attempt.ts'
import type { Verdict } from './conclusion.ts'
import { isNotApplied } from './errors.ts'

export type HandlerEnd =
  | Exclude<Verdict, { kind: 'release' | 'fail' }>
  /** No effect: the handler says so itself, whatever the commit point says. */
  | { readonly kind: 'release'; readonly error: unknown; readonly threw: boolean }
  | { readonly kind: 'fail'; readonly error: unknown; readonly threw: boolean }

/** Calls the handler. A throw is a failure, `NotApplied` a release. */
export async function callHandler<Tx>(
  effect: (attempt: Attempt<Tx>) => Verdict | Promise<Verdict>,
  attempt: Attempt<Tx> & { readonly stored: boolean },
): Promise<HandlerEnd> {
  try {
    const returned = effect(attempt)
    // A synchronous handler pays for no turn of the microtask queue.
    const verdict = 'then' in returned ? await returned : returned
    if (!attempt.stored || verdict.kind === 'release') return { kind: 'release', error: undefined, threw: false }
    if (verdict.kind === 'fail') return { kind: 'fail', error: undefined, threw: false }
    return verdict
  } catch (error) {
    if (isNotApplied(error)) return { kind: 'release', error, threw: true }
    return { kind: 'fail', error, threw: true }
  }
}

/** Learns how long the handler usually takes: a moving average, for Retry-After only. */
export function learnPace(policy: { pace: number }, tookMs: number): void {
  policy.pace = policy.pace === 0 ? tookMs : policy.pace + (tookMs - policy.pace) / 8
}
