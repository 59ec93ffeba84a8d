/** Keeps a claim alive while its handler runs. The lease is for liveness only: losing it never makes a second effect. */

import type { Clock } from './clock.ts'
import type { Store } from './store.ts'
import type { Claim } from './transitions.ts'

/**
 * Renews every third of the lease until the returned function is called. `lost` is called once, when the store says
 * that the claim has gone to another attempt; a store that can't be reached is asked again at the next third.
 */
export function keepLease(store: Store, claim: Claim, leaseMs: number, clock: Clock, lost: () => void): () => void {
  let stopped = false
  let cancel = clock.after(leaseMs / 3, tick, 'background')

  function tick(): void {
    store.renew(claim, leaseMs).then(
      (result) => {
        if (stopped) return
        if (result.kind === 'superseded') {
          stopped = true
          // A lapsed lease may have turned the record unknown: no attempt has taken over, and this one's end still counts.
          const { record } = result
          if (record?.state !== 'unknown' || record.attemptId !== claim.attemptId) lost()
        } else cancel = clock.after(leaseMs / 3, tick, 'background')
      },
      () => {
        if (!stopped) cancel = clock.after(leaseMs / 3, tick, 'background')
      },
    )
  }

  return () => {
    stopped = true
    cancel()
  }
}
