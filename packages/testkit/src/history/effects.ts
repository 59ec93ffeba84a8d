/** Laws of the effect: how often, in whose name, and with what record behind it. */

import type { Effect, HandlerEnded } from './history.ts'
import type { Known, Reading } from './known.ts'

export function judgeEffect(reading: Reading, known: Known, effect: Effect, index: number): void {
  // A call may be under way for longer than its key lives, and is then of the life in which it was made.
  const granted = known.lifeOf(effect.attempt, effect.fence)
  const life = granted ?? known.life
  const { guarantee } = reading.terms
  life.effects.push({ event: effect, index })
  if (life.fingerprint !== undefined && life.fingerprint !== effect.fingerprint) {
    reading.report('S3', known, `An effect of ${effect.fingerprint} under a key of ${life.fingerprint}.`, index)
  }
  if (granted === undefined) {
    reading.report('S12', known, `An effect by ${effect.attempt}, which was granted no claim.`, index)
  } else if (guarantee === 'guarded' && !known.begun.has(effect.attempt)) {
    reading.report('S12', known, `An effect by ${effect.attempt} before "effect began" was recorded.`, index)
  }
  const told = guarantee === 'resumable' ? undefined : known.toldNone.get(effect.arrival)
  if (told !== undefined) reading.report('S6', known, 'A caller was told that nothing happened; it did.', told, index)
  const first = life.effects[0]
  if (first !== undefined && life.effects.length > 1) {
    reading.report('S1', known, `Effect number ${life.effects.length} of one operation.`, first.index, index)
  }
}

export function rememberEnd(known: Known, end: HandlerEnded): void {
  if (end.said === 'keep' || end.said === 'refuse') known.said.add(end.outcome)
}

/** S5: where effect and record commit together, one is there exactly when the other is. */
export function judgeAtomicity(reading: Reading, index: number): void {
  if (reading.terms.guarantee !== 'transactional') return
  for (const known of reading.operations.values()) {
    const { effects, recorded } = known.life
    const wanted = recorded?.success === true ? 1 : 0
    const seen = Math.min(1, effects.length)
    if (seen === wanted) continue
    const what =
      recorded === undefined ? 'no completed record' : `a recorded ${recorded.success ? 'success' : 'refusal'}`
    const shown = [...effects.map((effect) => effect.index), ...(recorded === undefined ? [] : [recorded.index]), index]
    reading.report('S5', known, `${seen === 1 ? 'An effect' : 'No effect'} with ${what}.`, ...shown)
  }
}
