/** How one call of a handler is going to go, drawn before it begins. */

import type { Scene } from './scene.ts'

export type Ending =
  | 'keep'
  | 'refuse'
  | 'refuse-for-now'
  | 'fail'
  | 'throw-before'
  | 'throw-after'
  | 'fail-after'
  | 'not-applied'
  | 'do-not-store'

export interface Plan {
  readonly ending: Ending
  readonly status: number
  readonly synchronous: boolean
  readonly beforeMs: number
  readonly afterMs: number
  /** Guarded: passes the commit point before it knows that there will be no effect. */
  readonly commitsEarly: boolean
}

/** A status that says the same as the ending, whatever the library makes of it. */
const statuses: Readonly<Record<Ending, readonly number[]>> = {
  keep: [200, 201, 201, 202, 204, 303],
  refuse: [400, 402, 404, 409, 422],
  'refuse-for-now': [429, 425, 307],
  fail: [500, 503],
  'throw-before': [500],
  'throw-after': [500],
  'fail-after': [500, 502],
  'not-applied': [500],
  'do-not-store': [200, 201],
}

/** `first`: the first claim of the operation, before which no handler can have done anything. */
export function drawPlan(scene: Scene, first: boolean): Plan {
  const { world, settling } = scene
  const { random, weather } = world
  const { handler, guarantee, leaseMs } = weather
  const ending = drawEnding(scene, first)
  const synchronous = random.chance(handler.synchronous) && guarantee === 'transactional'
  const workMs = !settling && random.chance(handler.slow) ? leaseMs * 3 : handler.workMs
  return {
    ending,
    status: random.pick(statuses[ending]),
    synchronous,
    beforeMs: synchronous ? 0 : random.fraction() * workMs,
    afterMs: synchronous ? 0 : random.fraction() * workMs,
    commitsEarly: random.chance(0.5) && !(weather.calm && (ending === 'fail' || ending === 'throw-before')),
  }
}

function drawEnding({ world, settling }: Scene, first: boolean): Ending {
  const { random, weather } = world
  const { handler, guarantee, commitPoint } = weather
  // A resumable handler decides the same in every attempt; one that has acted can't refuse any more.
  const mayRefuse = guarantee !== 'resumable' || first
  if (random.chance(handler.refuse) && mayRefuse) return 'refuse'
  if (settling) return 'keep'
  if (random.chance(handler.refuseForNow)) return 'refuse-for-now'
  if (random.chance(handler.notApplied)) return 'not-applied'
  if (random.chance(handler.doNotStore)) return 'do-not-store'
  if (world.fault(handler.throwAfter)) return random.chance(0.5) ? 'throw-after' : 'fail-after'
  // Past the commit point, a failure without a reason given is a fault: it makes an outcome unknown.
  const begun = guarantee === 'guarded' && commitPoint === 'first-line'
  if (begun && weather.calm) return 'keep'
  if (random.chance(handler.throwBefore)) return 'throw-before'
  if (random.chance(handler.fail)) return 'fail'
  return 'keep'
}
