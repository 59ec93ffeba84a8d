/** Watches one arrival from outside, to see which of the rarer ways it took. */

import type { Conclusion } from 'reprise/engine'
import type { Process } from './process.ts'
import type { Scene } from './scene.ts'

export interface Sight {
  /** The library has been called and has come back to wait, or is done. */
  asked(): void
  answered(conclusion: Pick<Conclusion, 'kind'> & { readonly record?: { readonly state: string } }): void
}

export function sight(scene: Scene, process: Process): Sight {
  const { world } = scene
  const { weather } = world
  const callsBefore = process.storeCalls
  const sinceMs = world.nowMs
  let askedStore = true
  return {
    asked() {
      askedStore = process.storeCalls !== callsBefore
    },
    answered(conclusion) {
      switch (conclusion.kind) {
        case 'replayed':
          world.count(askedStore ? 'a replay came from the store' : 'a replay came from the cache')
          // A look at the store takes two latencies; longer than ten of them is waiting.
          if (weather.waitMs > 0 && world.nowMs - sinceMs > 10 * weather.store.latencyMs) {
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
    },
  }
}
