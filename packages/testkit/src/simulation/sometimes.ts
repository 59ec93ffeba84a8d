/**
 * What a search for bugs must have met. A run in which one of these never happened has not tested what it seems to have
 * tested, so a count of zero fails the gate.
 */

export const sometimes = {
  'an effect happened': 'the witness saw one',
  'a claim was taken over': 'a lease lapsed before the effect began, and another attempt went on',
  'a begun effect was taken over': 'resumable: another attempt goes on under the same key downstream',
  'an outcome became unknown': 'guarded: nobody can say whether the effect happened',
  'an unknown outcome was settled late': 'by the very attempt that began the effect',
  'an unknown outcome was resolved as completed': 'by an operator',
  'an unknown outcome was resolved as released': 'by an operator who knew the old process to be dead',
  'an outcome was erased': 'by an operator',
  'another payload met a running claim': 'and was told so',
  'another payload met an outcome': 'and was told so',
  'another principal used the same key': 'and got an operation of its own',
  'the answer to a COMMIT was lost': 'the transaction had committed',
  'a COMMIT arrived after its sender gave up': 'and was applied',
  'a write was applied and its answer lost': 'any other step of the store',
  'a write was applied after its sender gave up': 'the late write',
  'a step was applied twice': 'the network had doubled it',
  'a claim recognised itself': 'sent again after its acknowledgement was lost',
  'a settlement recognised itself': 'sent again after its acknowledgement was lost',
  'a write at the commit point recognised itself': 'sent again after its acknowledgement was lost',
  'a superseded attempt was stopped before its effect': 'by its effect-began write',
  'a superseded attempt was stopped at settling': 'its outcome does not count',
  'a superseded transaction was stopped at COMMIT': 'by the row of the other',
  'an overdue transaction was stopped at COMMIT': 'the store had given it up',
  'a transaction met a conflict': 'and was rolled back',
  'a renewal was superseded': 'and the handler was told',
  'a replay came from the store': '',
  'a replay came from the cache': 'without a round trip',
  'an answer came after waiting': 'a duplicate waited for the first attempt',
  'a handler said that nothing happened': '`NotApplied`, and the operation was released',
  'a handler asked not to be stored': '`doNotStore()`, and the operation was released',
  'a refusal was recorded': 'and its effect undone',
  'a handler failed after its effect': '',
  'a tombstone refused a key': '410',
  'a forgotten key began a new life': 'after its tombstone',
  'a process died': '',
  'a process died with a claim': '',
  'a process died in a transaction': '',
  'a process stood still for longer than a lease': '',
  'the store could not be reached': '503',
  'the store died': 'and came back with what it had acknowledged',
  'the store lost what it had acknowledged': 'a failover to a lagging copy',
  'a record could not be read': '',
  'a node clock was set': '',
  'the store clock was set': '',
  'an old request came back': 'the network delivered it again much later',
  'an answer was cut': 'the caller knows nothing',
  'an effect happened after its handler had given up': 'the call was only slow',
  'a call downstream was deduplicated': 'resumable: the derived key did its work',
} as const

export type Sometimes = keyof typeof sometimes

export type Counts = Record<Sometimes, number>

export function noCounts(): Counts {
  const counts = {} as Counts
  for (const name in sometimes) counts[name as Sometimes] = 0
  return counts
}

export function addCounts(to: Counts, from: Counts): void {
  for (const name in from) to[name as Sometimes] += from[name as Sometimes]
}
