/** Lives from a script, with a crash after every step: they go on as if nothing had been. */

import assert from 'node:assert/strict'
import type { Claim, Ending, Operation, Store, Terms } from 'reprise/engine'
import { memory } from 'reprise/memory'
import type { Check, Subject, Theme } from '../subject.ts'
import { anOperation, completed, handlerFailed, horizons, leaseMs, notApplied, notBegun, terms } from './given.ts'
import { assertAlike } from './model.ts'
import { found } from './records.ts'

/** What a life knows on one store. */
interface Life {
  readonly operation: Operation
  readonly attempts: readonly Terms[]
  claim: Claim | undefined
}

/** Returns how it ended, in a word. */
type Step = (store: Store, life: Life) => Promise<string>

const claim = (attempt: number): Step => {
  return async (store, life) => {
    const asked = life.attempts[attempt] as Terms
    const { kind, record } = await store.claim(life.operation, asked)
    if (kind === 'granted') life.claim = { id: record.id, attemptId: asked.attemptId, fence: record.fence }
    return kind
  }
}
const begin: Step = async (store, life) => (await store.beginEffect(held(life))).kind
const renew: Step = async (store, life) => (await store.renew(held(life), 2 * leaseMs)).kind
const step = (name: string): Step => {
  return async (store, life) => (await store.recordStep(held(life), name, `result of ${name}`)).kind
}
const settle = (ending: Ending): Step => {
  return async (store, life) => (await store.settle(held(life), ending)).kind
}
const decide = (ending: Exclude<Ending, { kind: 'unknown' }>): Step => {
  return async (store, { operation: { id } }) => {
    const { fence } = await found(store, id, 'unknown')
    return (await store.resolve(id, fence, ending)).kind
  }
}
const sweep: Step = async (store) => JSON.stringify(await store.sweep(10))
const erase: Step = async (store, { operation }) => String(await store.erase(operation.id))

function held({ claim: mine }: Life): Claim {
  assert.ok(mine)
  return mine
}

/** Steps, and milliseconds between them. */
type Script = readonly (Step | number)[]

const guarded: Readonly<Record<string, Script>> = {
  'a life': script(
    [claim(0), renew, begin, settle(completed('done'))],
    [horizons.retentionMs, claim(1), sweep],
    [horizons.tombstoneMs, sweep],
  ),
  'a life that is released and tried again': script(
    [claim(0), settle(notBegun)],
    [claim(1), settle(notApplied)],
    [claim(2), begin, settle(completed('third')), erase],
  ),
  'a life that lapses and is completed late': script(
    [claim(0), begin],
    [leaseMs, claim(1), settle(completed('late')), claim(1)],
  ),
  'a life that fails and is decided': script(
    [claim(0), begin, settle(handlerFailed), claim(1), decide(notApplied)],
    [claim(1), begin, settle(handlerFailed), decide(completed('decided'))],
  ),
}

const resumable: Readonly<Record<string, Script>> = {
  'a life in steps': script(
    [claim(0), step('reserve')],
    [leaseMs, claim(1), step('charge'), settle(notBegun)],
    [claim(2), step('ship'), settle(completed('shipped'))],
  ),
}

function script(...scenes: readonly Script[]): Script {
  return scenes.flat()
}

/** Lives through the script on the store and on the model, with a crash of the store after every step. */
async function live(subject: Subject, guarantee: Terms['guarantee'], script: Script): Promise<void> {
  const model = memory({ clock: subject.clock })
  const cast = { operation: anOperation(), attempts: Array.from({ length: 3 }, () => terms({ guarantee })) }
  const ours: Life = { ...cast, claim: undefined }
  const modelled: Life = { ...cast, claim: undefined }
  for (const [n, next] of script.entries()) {
    if (typeof next === 'number') await subject.clock.advance(next)
    else assert.equal(await next(subject.store, ours), await next(model, modelled), `step ${n + 1}`)
    await subject.crash()
    await assertAlike(subject.store, model, cast.operation.id, `after step ${n + 1} and a crash`)
  }
}

function checksOf(guarantee: Terms['guarantee'], scripts: Readonly<Record<string, Script>>): Record<string, Check> {
  const checks: Record<string, Check> = {}
  for (const [name, script] of Object.entries(scripts)) {
    checks[`${name} goes on over a crash after every step`] = (subject) => live(subject, guarantee, script)
  }
  return checks
}

export const scriptedLives: Theme = {
  name: 'lives',
  needs: ['durable', 'virtual time'],
  checks: { ...checksOf('guarded', guarded), ...checksOf('resumable', resumable) },
}
