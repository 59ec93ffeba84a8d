/** The engine by itself, in one life of one process: no HTTP between the caller and it. */

import type { Conclusion, Policy, Verdict } from 'reprise/engine'
import { type Ended, handle } from './handler.ts'
import type { Process } from './process.ts'
import { replyOf } from './replies.ts'
import type { Arrival, Reply, Service } from './request.ts'
import type { Scene } from './scene.ts'
import { sight } from './sights.ts'
import type { StoreClient } from './store-client.ts'

export function engineService(scene: Scene, process: Process, store: StoreClient): Service {
  const { engine: door } = process.library
  const policy: Policy = door.compilePolicy('The simulation', policyOptions(scene), store, door.defaultPolicy)
  const engine = new door.Engine(
    { store, clock: process.clock(), randomness: scene.randomness(process) },
    { replayCacheBytes: 1_000_000, waiting: { perOperation: 4, perProcess: 8 } },
  )
  return {
    serve(arrival: Arrival, answer: (reply: Reply) => void): void {
      const { principal, key, operation, fingerprint } = arrival.request
      const id = `id of ${operation}`
      scene.store.name(id, operation)
      const sinceMs = scene.world.nowMs
      const performed = engine.perform({ id, fingerprint, key, principal }, policy, (attempt) => {
        const ended = handle({ scene, process, arrival, attempt })
        return ended instanceof Promise ? ended.then(verdictOf) : verdictOf(ended)
      })
      performed.then(
        (conclusion: Conclusion) => {
          sight(scene.world, sinceMs, conclusion)
          answer(replyOf(conclusion))
        },
        (error: unknown) => scene.world.broke(error),
      )
    },
  }
}

/** The policy of the run, as both ways of serving name it. */
export function policyOptions(scene: Scene): {
  name: string
  guarantee: 'transactional' | 'resumable' | 'guarded'
  commitPoint: 'first-line' | 'named'
  retention: number
  tombstone: number
  lease: number
  onConcurrent: 'reject' | { waitUpTo: number }
} {
  const { guarantee, commitPoint, retentionMs, tombstoneMs, leaseMs, waitMs } = scene.world.weather
  return {
    name: 'simulated',
    guarantee,
    commitPoint,
    retention: retentionMs,
    tombstone: tombstoneMs,
    lease: leaseMs,
    onConcurrent: waitMs === 0 ? 'reject' : { waitUpTo: waitMs },
  }
}

function verdictOf(ended: Ended): Verdict {
  switch (ended.said) {
    case 'keep':
    case 'refuse':
      return { kind: ended.said, outcome: { status: ended.status, headers: ended.headers, body: ended.body } }
    case 'release':
      // Also an answer that is not to be stored, which is the engine's business and not the verdict's.
      return ended.status < 300
        ? { kind: 'keep', outcome: { status: ended.status, headers: ended.headers, body: ended.body } }
        : { kind: 'release' }
    case 'fail':
      return { kind: 'fail' }
  }
}
