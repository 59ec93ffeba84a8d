/** Laws of the answer: what callers may be told, and when. */

import type { Fail, Invoke, Ok } from './history.ts'
import { type Known, type Life, mayBeForgotten, type Reading } from './known.ts'

export function judgeOk(reading: Reading, known: Known, asked: Invoke, ok: Ok, index: number): void {
  if (ok.madeFor !== asked.principal) {
    reading.report('S4', known, `${asked.principal} was given an answer made for ${ok.madeFor}.`, index)
    return
  }
  const revokedAt = reading.revokedAt.get(asked.principal)
  if (revokedAt !== undefined && asked.t > revokedAt) {
    reading.report('S16', known, `${asked.principal} was answered after it had been revoked.`, index)
    return
  }
  const { life } = known
  if (life.recorded?.outcome !== ok.outcome && isOfPast(reading, known, asked, ok)) return
  const { recorded } = life
  if (recorded === undefined) {
    reading.report('S8', known, 'An outcome was sent before it was recorded.', index)
    return
  }
  if (asked.fingerprint !== recorded.fingerprint) {
    const story = `A request ${asked.fingerprint} was given the outcome of ${recorded.fingerprint}.`
    reading.report('S3', known, story, recorded.index, index)
    return
  }
  if (ok.outcome !== recorded.outcome) {
    reading.report('S2', known, 'The answer differs from what was recorded.', recorded.index, index)
    return
  }
  if (!known.said.has(ok.outcome)) {
    reading.report('S6', known, 'No handler had made this outcome, or it had not meant it to be kept.', index)
  } else if (ok.success && !happened(reading, known, life)) {
    reading.report('S6', known, 'A success was told, and nothing had happened.', index)
  }
  overdue(reading, known, life, asked, index)
  if (ok.t < life.toldAt) {
    life.toldAt = ok.t
    life.toldIndex = index
  }
}

/**
 * Whether the effect behind a success happened. Downstream a derived key means the same in every life of a key, so what
 * happened in an earlier one is not done again; and an operator may have found the effect of an earlier one.
 */
function happened(reading: Reading, known: Known, life: Life): boolean {
  if (life.effects.length > 0) return true
  const earlierCounts = reading.terms.guarantee === 'resumable' || life.recorded?.resolved === true
  return earlierCounts && known.past.some((past) => past.effects.length > 0)
}

/**
 * Whether an answer is of a life that has ended: it was under way then; or the store's clock was set and ended that life
 * early, and then a cache may still hold it for as long as the tombstone would have stood.
 */
function isOfPast(reading: Reading, known: Known, asked: Invoke, ok: Ok): boolean {
  return known.past.some((past) => past.recorded?.outcome === ok.outcome && asked.t <= past.endedAt + graceMs(reading))
}

/** The same for a payload that is refused: in that life the key was bound to another one. */
function wasBound(reading: Reading, known: Known, asked: Invoke): boolean {
  return known.past.some(
    (past) =>
      past.fingerprint !== undefined &&
      past.fingerprint !== asked.fingerprint &&
      asked.t <= past.endedAt + graceMs(reading),
  )
}

function graceMs({ terms, storeClockSet }: Reading): number {
  return storeClockSet ? Math.min(terms.staleMs, terms.tombstoneMs) : 0
}

/** S13, the answer's side: an outcome past its retention is not replayed. */
function overdue(reading: Reading, known: Known, life: Life, asked: Invoke, index: number): void {
  const { recorded, erasedAt } = life
  const { retentionMs, staleMs } = reading.terms
  if (recorded === undefined || reading.storeWentBack) return
  const late = reading.storeMsAt(asked.t) - recorded.storeMs - retentionMs
  if (late > staleMs) {
    reading.report('S13', known, `A replay, asked for ${Math.round(late)} ms after retention ended.`, index)
  } else if (erasedAt !== undefined && asked.t > erasedAt + staleMs) {
    reading.report('S13', known, 'An erased outcome was replayed.', index)
  }
}

export function judgeFail(reading: Reading, known: Known, asked: Invoke, fail: Fail, index: number): void {
  const { life } = known
  const { guarantee } = reading.terms
  if (mayBeForgotten(life, reading.terms, reading.storeTopMsAt(fail.t))) return
  const bound = asked.t > life.boundAt && life.fingerprint !== undefined
  if (bound && life.fingerprint !== asked.fingerprint) {
    anotherPayload(reading, known, fail, index)
    return
  }
  const toldBefore = asked.t > life.toldAt
  switch (fail.why) {
    case 'mismatch':
      if (!bound || wasBound(reading, known, asked)) return
      reading.report('S7', known, 'The payload that the key is bound to was refused as another one.', index)
      return
    case 'in-progress':
    case 'released':
    case 'unknown':
      if (fail.why === 'in-progress') kept(reading, known, asked, fail, index)
      if (toldBefore) {
        reading.report('S7', known, `"${fail.why}" after the outcome had been told.`, life.toldIndex, index)
      } else if (fail.why === 'unknown' && guarantee !== 'guarded') {
        reading.report('L3', known, `A ${guarantee} operation was answered as unknown.`, index)
      }
      break
    case 'expired':
      early(reading, known, fail, index)
      return
    case 'unavailable':
    case 'forbidden':
      break
  }
  // What a resumable handler did downstream it will do under the same key again, so its release says nothing of effects.
  const none = fail.effect === 'none' && !(fail.why === 'released' && guarantee === 'resumable')
  if (none && fail.why !== 'in-progress') toldNone(reading, known, fail, index)
}

/** L7: who can't be answered now is told so in time. */
function kept(reading: Reading, known: Known, asked: Invoke, fail: Fail, index: number): void {
  const { calm, duplicateMs } = reading.terms
  const ms = fail.t - asked.t
  if (!calm || ms <= duplicateMs) return
  reading.report('L7', known, `A duplicate was kept for ${Math.round(ms)} ms and then told to come back.`, index)
}

/** S3: another payload under a bound key is told so, and nothing else. */
function anotherPayload(reading: Reading, known: Known, fail: Fail, index: number): void {
  switch (fail.why) {
    case 'mismatch':
    case 'unavailable':
    case 'forbidden':
      return
    case 'in-progress':
    case 'released':
    case 'unknown':
    case 'expired':
      reading.report('S3', known, `Another payload under the key was answered "${fail.why}".`, index)
  }
}

/** S7: an outcome that is still retained is not refused as expired. */
function early(reading: Reading, known: Known, fail: Fail, index: number): void {
  const { life } = known
  const { recorded } = life
  if (life.erasedAt !== undefined || known.past.length > 0) return
  if (recorded === undefined) {
    reading.report('S7', known, 'A key without an outcome was refused as expired.', index)
    return
  }
  const left = recorded.storeMs + reading.terms.retentionMs - reading.storeTopMsAt(fail.t)
  if (left > 0) reading.report('S7', known, `Refused as expired ${Math.round(left)} ms early.`, recorded.index, index)
}

/** S6, the other side: who is told that nothing happened can rely on it. */
function toldNone(reading: Reading, known: Known, fail: Fail, index: number): void {
  const done = known.life.effects.find(({ event }) => event.arrival === fail.arrival)
  if (done !== undefined) {
    reading.report('S6', known, 'A caller was told that nothing happened; it had.', done.index, index)
  }
  known.toldNone.set(fail.arrival, index)
}
