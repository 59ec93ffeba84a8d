/** Reads a history once, from its first event to its last, and says which laws it breaks. */

import { judgeFail, judgeOk } from './answers.ts'
import { judgeAtomicity, judgeEffect, rememberEnd } from './effects.ts'
import { isDefinite, judgeRest, Patience } from './endings.ts'
import type { Event, History, Invoke, Violation } from './history.ts'
import { type Known, Reading } from './known.ts'
import { judgeWrite } from './records.ts'

/**
 * Every law that the history breaks, in the order in which it shows. Takes time linear in the number of events: the
 * promises are about one key at a time, so nothing has to be searched for.
 *
 * @example
 * const violations = check({ terms, events })
 * assert.deepEqual(violations, [])
 */
export function check(history: History): readonly Violation[] {
  const reading = new Reading(history.terms)
  const patience = new Patience()
  const { events } = history
  for (let index = 0; index < events.length; index++) judge(reading, patience, events[index] as Event, index)
  judgeAtomicity(reading, events.length - 1)
  judgeRest(reading, events.length - 1)
  return reading.violations
}

function judge(reading: Reading, patience: Patience, event: Event, index: number): void {
  switch (event.kind) {
    case 'invoke':
      reading.requests.set(event.request, event)
      return
    case 'write':
      judgeWrite(reading, reading.of(event.operation), event, index)
      return
    case 'effect':
      judgeEffect(reading, reading.of(event.operation), event, index)
      return
    case 'end':
      rememberEnd(reading.of(event.operation), event)
      return
    case 'ok': {
      const [known, asked] = askedBy(reading, event.request)
      judgeOk(reading, known, asked, event, index)
      return
    }
    case 'fail': {
      const [known, asked] = askedBy(reading, event.request)
      judgeFail(reading, known, asked, event, index)
      if (!isDefinite(event)) patience.disappointed(reading, known, asked, event.why, index)
      return
    }
    case 'info': {
      const [known, asked] = askedBy(reading, event.request)
      patience.disappointed(reading, known, asked, 'no answer', index)
      return
    }
    case 'crash':
      judgeAtomicity(reading, index)
      return
    case 'loss':
      for (const known of reading.operations.values()) if (known.lastWriteAt > event.since) known.lost = true
      return
    case 'unreadable':
      reading.of(event.operation).unreadable = true
      return
    case 'revoke':
      reading.revokedAt.set(event.principal, event.t)
      return
    case 'store-clock':
      reading.storeClockSet = true
      reading.learnStoreTime(event.t, event.storeMs)
      return
    case 'heal':
      reading.healedAt = event.t
      judgeAtomicity(reading, index)
      return
    case 'note':
      return
  }
}

function askedBy(reading: Reading, request: number): [Known, Invoke] {
  const asked = reading.requests.get(request)
  if (asked === undefined) throw new Error(`The history answers request ${request}, which nobody sent.`)
  return [reading.of(asked.operation), asked]
}
