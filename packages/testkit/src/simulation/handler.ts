/**
 * What handlers do: they work, change something in their transaction or in a foreign system, and end in any of the ways
 * in which handlers end. Each keeps the rules that the library asks of handlers, whatever goes wrong around it.
 */

import type { Attempt, HeaderLine } from 'reprise'
import { digest, latin1 } from './digest.ts'
import { type Caller, NoAnswer } from './foreign.ts'
import { drawPlan, type Ending, type Plan } from './plan.ts'
import type { Process } from './process.ts'
import type { Arrival } from './request.ts'
import type { Scene } from './scene.ts'
import type { SimulatedTx } from './transactions.ts'

/** What a handler answers, and what it means by it. */
export interface Ended {
  readonly said: 'keep' | 'refuse' | 'release' | 'fail'
  readonly status: number
  readonly headers: readonly HeaderLine[]
  readonly body: Uint8Array | null
}

/** One call of a handler. */
export interface Call {
  readonly scene: Scene
  readonly process: Process
  readonly arrival: Arrival
  readonly attempt: Attempt<SimulatedTx>
}

export function handle(call: Call): Ended | Promise<Ended> {
  call.scene.called(call.arrival)
  const plan = drawPlan(call.scene, call.attempt.number === 1)
  switch (call.scene.world.weather.guarantee) {
    case 'transactional':
      if (!plan.synchronous) return inTransaction(call, plan)
      if (plan.ending !== 'throw-before') stage(call)
      return end(call, plan)
    case 'guarded':
      return guarded(call, plan)
    case 'resumable':
      return resumable(call, plan)
  }
}

/** The effect comes first and the decision last: what is undone must really be undone. */
async function inTransaction(call: Call, plan: Plan): Promise<Ended> {
  await call.process.sleep(plan.beforeMs)
  if (plan.ending !== 'throw-before') stage(call)
  await call.process.sleep(plan.afterMs)
  return end(call, plan)
}

function stage({ attempt, arrival }: Call): void {
  attempt.tx.stage({ arrival: arrival.number })
}

async function guarded(call: Call, plan: Plan): Promise<Ended> {
  const { scene, process, arrival, attempt } = call
  const acts = isActive(plan.ending)
  await process.sleep(plan.beforeMs)
  if (!acts && !plan.commitsEarly) return end(call, plan)
  await attempt.commitPoint()
  if (!acts) return end(call, plan.ending === 'throw-before' ? { ...plan, ending: 'throw-after' } : plan)
  const { operation } = arrival.request
  try {
    await scene.foreign.charge(process, operation, arrival.number, callerOf(call))
  } catch (error) {
    // It never arrived, so nothing happened. Of a call that is only late nobody knows.
    const refused = error instanceof NoAnswer && error.why === 'refused'
    return end(call, { ...plan, ending: refused ? 'not-applied' : 'throw-after' })
  }
  await process.sleep(plan.afterMs)
  return end(call, plan)
}

async function resumable(call: Call, plan: Plan): Promise<Ended> {
  const { scene, process, arrival, attempt } = call
  await process.sleep(plan.beforeMs)
  if (!isActive(plan.ending)) return end(call, plan)
  if (scene.world.weather.commitPoint === 'named') await attempt.commitPoint()
  const { operation } = arrival.request
  await scene.foreign.chargeOnce(process, attempt.keyFor('charge'), operation, arrival.number, callerOf(call))
  await process.sleep(plan.afterMs)
  return end(call, plan)
}

function callerOf({ scene, arrival, attempt }: Call): Caller {
  const { fence } = attempt
  return { attempt: scene.store.holder(arrival.request.operation, fence), fence }
}

/** Whether a handler that ends like this has done something outside before. */
function isActive(ending: Ending): boolean {
  return ending === 'keep' || ending === 'throw-after' || ending === 'fail-after'
}

/** Ends as planned, and tells the history what was said. */
function end(call: Call, plan: Plan): Ended {
  const { scene, process, attempt } = call
  const { world } = scene
  const said = saidBy(plan.ending)
  const ended = answer(call, plan, said)
  const outcome = digest(ended.status, ended.headers, ended.body)
  const { number, request } = call.arrival
  world.record({ kind: 'end', t: world.nowMs, arrival: number, operation: request.operation, said, outcome })
  if (plan.ending === 'throw-after' || plan.ending === 'fail-after') world.count('a handler failed after its effect')
  switch (plan.ending) {
    case 'throw-before':
    case 'throw-after':
      throw new Error('The handler failed.')
    case 'not-applied':
      world.count('a handler said that nothing happened')
      throw new process.library.reprise.NotApplied('The bank refused.')
    case 'do-not-store':
      world.count('a handler asked not to be stored')
      attempt.doNotStore()
      return ended
    case 'refuse':
      world.count('a refusal was recorded')
      return ended
    case 'keep':
    case 'refuse-for-now':
    case 'fail':
    case 'fail-after':
      return ended
  }
}

function saidBy(ending: Ending): Ended['said'] {
  switch (ending) {
    case 'keep':
    case 'refuse':
    case 'fail':
      return ending
    case 'throw-before':
    case 'throw-after':
    case 'fail-after':
      return 'fail'
    case 'refuse-for-now':
    case 'not-applied':
    case 'do-not-store':
      return 'release'
  }
}

/** Every answer names its principal and its arrival, so that no two can be taken for each other. */
function answer({ arrival }: Call, plan: Plan, said: Ended['said']): Ended {
  const { principal, operation } = arrival.request
  const { status } = plan
  const text = `${principal}|${operation}|${plan.ending}|${arrival.number}`
  return {
    said,
    status,
    headers: [
      ['content-type', 'text/plain'],
      ['location', `/${principal}/${arrival.number}`],
    ],
    body: status === 204 ? null : Buffer.from(text, 'latin1'),
  }
}

/** The principal that an answer was made for, by its own word. */
export function madeFor(headers: readonly HeaderLine[], body: Uint8Array | null): string {
  if (body !== null) return latin1(body).split('|', 1)[0] ?? ''
  const location = headers.find(([name]) => name === 'location')?.[1] ?? ''
  return location.split('/')[1] ?? ''
}
