/** What must hold in every world that can be reached. The names are those of docs/reliability.md. */

import type { Rules } from './rules.ts'
import { attemptId, instants, leaseMs, type Setting, type World } from './world.ts'

/** The law that the world breaks, or undefined. */
export function brokenLaw(world: World, setting: Setting, rules: Rules): string | undefined {
  const { record, effects, attempts } = world
  if (world.broken !== undefined) return `S10: ${world.broken}`
  // Under `resumable` every call carries the same key downstream, which makes one effect of them.
  const happened = setting.guarantee === 'resumable' ? Math.min(effects.length, 1) : effects.length
  if (happened > 1) return `S1: ${happened} effects`

  const answers = attempts.filter((attempt) => attempt.answer !== undefined && attempt.life === world.life)
  const told = new Set(answers.map((attempt) => attempt.answer))
  if (world.life === 0 && told.size > 1) return `S2: answers ${[...told].join(' and ')}`
  if (world.life === 0 && told.size === 1 && record?.state !== 'completed' && record?.state !== 'expired') {
    return `S7: an outcome was told, and the record is ${record?.state ?? 'absent'}`
  }

  if (record?.state === 'completed') {
    const by = record.outcome.status - 200
    const effected = setting.guarantee === 'resumable' ? effects.length > 0 : effects.includes(by)
    if (!effected) return `S6: completed with the outcome of ${by}, whose effect did not happen`
    if (world.life === 0 && told.size === 1 && !told.has(by)) return 'S2: the record differs from what was told'
  }
  if (setting.guarantee === 'transactional') {
    const completed = record?.state === 'completed' || record?.state === 'expired'
    if ((effects.length === 1) !== completed)
      return `S5: ${effects.length} effects, record ${record?.state ?? 'absent'}`
  }
  if (record?.state === 'unknown' && setting.guarantee !== 'guarded') return 'L3: unknown outside guarded'
  return stuck(world, setting, rules)
}

/** L1: once the lease has lapsed, whoever comes next gets the claim or a definite answer. */
function stuck(world: World, setting: Setting, rules: Rules): string | undefined {
  const next = rules.claim(
    world.record,
    { id: 'k', name: 'n', fingerprint: 'f' },
    { attemptId: attemptId(99), guarantee: setting.guarantee, leaseMs, begun: false },
    instants.lapsed,
    world.fenceFloor,
  )
  if (next.kind === 'granted') {
    return next.record.fence <= world.granted ? `S10: fence ${next.record.fence} would be granted again` : undefined
  }
  return next.record.state === 'running' ? 'L1: a lapsed claim holds for ever' : undefined
}
