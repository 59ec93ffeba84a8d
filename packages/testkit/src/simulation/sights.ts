/** Looks at an answer from outside, to see which of the rarer ways it took. */

import type { Conclusion } from 'reprise/engine'
import type { World } from './world.ts'

/** Counts how an arrival that came at `sinceMs` was answered. */
export function sight(
  world: World,
  sinceMs: number,
  conclusion: Pick<Conclusion, 'kind'> & { readonly record?: { readonly state: string } },
): void {
  const { weather, nowMs } = world
  switch (conclusion.kind) {
    case 'replayed':
      // Only what needs no round trip takes no time.
      world.count(nowMs === sinceMs ? 'a replay came from the cache' : 'a replay came from the store')
      // A look at the store takes two latencies; longer than ten of them is waiting.
      if (weather.waitMs > 0 && nowMs - sinceMs > 10 * weather.store.latencyMs) {
        world.count('an answer came after waiting')
      }
      return
    case 'mismatch':
      if (conclusion.record?.state === 'running') world.count('another payload met a running claim')
      if (conclusion.record?.state === 'completed') world.count('another payload met an outcome')
      return
    case 'expired':
      world.count('a tombstone refused a key')
      return
    case 'unavailable':
      world.count('the store could not be reached')
      return
    case 'executed':
    case 'released':
    case 'in-progress':
    case 'unknown':
      return
  }
}
