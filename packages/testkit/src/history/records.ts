/** Laws that the store's log shows by itself: how a record may move, and who may move it. */

import type { RecordFacts, Write } from './history.ts'
import { type Known, mayBeForgotten, type Reading } from './known.ts'

export function judgeWrite(reading: Reading, known: Known, write: Write, index: number): void {
  reading.learnStoreTime(write.t, write.storeMs)
  // A grant inside a transaction is a promise of the store to itself; only the commit makes a record.
  if (write.step === 'begin' && write.result === 'granted') return
  const before = current(reading, known, write, index)
  stranger(reading, known, write, index)
  refusedOwner(reading, known, write, before, index)
  const after = write.record
  if (write.result === 'superseded' || write.result === 'already-written') return
  if (before !== undefined && after !== undefined && same(before, after)) {
    if (write.result === 'found') return
    if (after.state !== 'completed') {
      known.lastWriteAt = write.t
      if (write.result === 'written') ownersOnly(reading, known, write, before, index)
      known.record = after
      return
    }
  }
  known.lastWriteAt = write.t
  if (after === undefined) {
    forgotten(reading, known, write, index)
    return
  }
  if (known.unreadable) reading.report('S14', known, 'A record that nobody could read was written over.', index)
  if (write.result === 'written') ownersOnly(reading, known, write, before, index)
  fences(reading, known, write, before, after, index)
  binding(reading, known, before, after, index)
  path(reading, known, write, before, after, index)
  remember(known, write, after, index)
}

/** The record before this step. Where the store was allowed to forget it, a new life of the key begins. */
function current(reading: Reading, known: Known, write: Write, index: number): RecordFacts | undefined {
  const { life } = known
  const claims = write.result === 'granted' || write.step === 'commit'
  if (known.record === undefined || !claims || write.record === undefined) return known.record
  const ended = known.record.state !== 'running' && known.record.state !== 'unknown'
  if (!ended || write.result === 'superseded') return known.record
  if (mayBeForgotten(life, reading.terms, write.storeMs)) {
    known.endLife(write.t)
    return undefined
  }
  if (life.recorded !== undefined && write.storeMs >= life.recorded.storeMs + reading.terms.retentionMs) {
    reading.report('S13', known, 'A key past its retention ran again while its tombstone stands.', index)
    known.endLife(write.t)
    return undefined
  }
  return known.record
}

/** S11 and S13: a record is forgotten when its tombstone has ended, and an unfinished one never. */
function forgotten(reading: Reading, known: Known, write: Write, index: number): void {
  const { record, life } = known
  if (record?.state === 'running' || record?.state === 'unknown') {
    reading.report('S11', known, 'An unfinished record was forgotten.', index)
  } else if (!mayBeForgotten(life, reading.terms, write.storeMs)) {
    reading.report('S13', known, 'A key was forgotten before its tombstone had ended.', index)
  }
  known.endLife(write.t)
}

/** S9: who has lost the claim changes nothing. */
function ownersOnly(
  reading: Reading,
  known: Known,
  write: Write,
  before: RecordFacts | undefined,
  index: number,
): void {
  switch (write.step) {
    case 'begin-effect':
    case 'record-step':
    case 'renew':
    case 'settle':
      if (before === undefined || before.attemptId !== write.attempt || before.fence !== write.fence) {
        reading.report('S9', known, `${write.attempt} changed a record that it does not hold (${write.step}).`, index)
      }
      return
    case 'claim':
    case 'begin':
    case 'commit':
    case 'resolve':
    case 'erase':
    case 'sweep':
      return
  }
}

/** S9: only who was granted a claim writes at all, whether it still holds it or not. */
function stranger(reading: Reading, known: Known, write: Write, index: number): void {
  switch (write.step) {
    case 'begin-effect':
    case 'record-step':
    case 'renew':
    case 'settle':
      if (known.hasGranted(write.attempt)) return
      reading.report('S9', known, `${write.attempt} writes (${write.step}), and was never granted a claim.`, index)
      return
    case 'claim':
    case 'begin':
    case 'commit':
    case 'resolve':
    case 'erase':
    case 'sweep':
      return
  }
}

/** S9 and L5: who holds the claim is not refused. */
function refusedOwner(
  reading: Reading,
  known: Known,
  write: Write,
  before: RecordFacts | undefined,
  index: number,
): void {
  if (before === undefined || before.attemptId !== write.attempt) return
  if (write.step === 'claim') {
    if (write.result === 'found' && before.state === 'running' && write.record?.state === 'running') {
      reading.report('S9', known, `${write.attempt} was refused because of its own claim.`, index)
    }
    return
  }
  if (write.result !== 'superseded' || before.fence !== write.fence) return
  switch (write.step) {
    case 'begin-effect':
    case 'record-step':
    case 'renew':
      if (before.state === 'running') reading.report('S9', known, `${write.attempt} was refused its own claim.`, index)
      return
    case 'settle':
      if (write.ending !== 'completed') return
      if (before.state === 'running') {
        reading.report('S9', known, `${write.attempt} may not settle its own claim.`, index)
      } else if (before.state === 'unknown') {
        reading.report('L5', known, `${write.attempt} began the effect, but its late outcome is refused.`, index)
      }
      return
    case 'begin':
    case 'commit':
    case 'resolve':
    case 'erase':
    case 'sweep':
      return
  }
}

/** S10: fences only grow, and an attempt is granted one claim. */
function fences(
  reading: Reading,
  known: Known,
  write: Write,
  before: RecordFacts | undefined,
  after: RecordFacts,
  index: number,
): void {
  const newOwner = before === undefined || before.attemptId !== after.attemptId
  const claimed = newOwner || before.fence !== after.fence
  if (claimed && write.step !== 'resolve') {
    if (after.fence <= known.topFence) {
      reading.report('S10', known, `Fence ${after.fence} comes after fence ${known.topFence}.`, index)
    } else if (after.attemptId !== write.attempt) {
      reading.report('S10', known, `${write.attempt} was granted a claim in the name of ${after.attemptId}.`, index)
    }
  } else if (after.fence < known.topFence) {
    reading.report('S10', known, `The fence fell from ${known.topFence} to ${after.fence}.`, index)
  }
  known.topFence = Math.max(known.topFence, after.fence)
  if (write.result === 'granted' || write.step === 'commit') known.grant(write.attempt, after.fence)
}

/** S3, the store's side: a key stays bound to the fingerprint that it first came with. */
function binding(
  reading: Reading,
  known: Known,
  before: RecordFacts | undefined,
  after: RecordFacts,
  index: number,
): void {
  if (before !== undefined && before.fingerprint !== after.fingerprint) {
    reading.report('S3', known, `The key was bound to ${before.fingerprint}, and now to ${after.fingerprint}.`, index)
  }
}

/** S11, L3, L4 and Q1: the ways from state to state. */
function path(
  reading: Reading,
  known: Known,
  write: Write,
  before: RecordFacts | undefined,
  after: RecordFacts,
  index: number,
): void {
  const from = placeOf(before)
  const to = placeOf(after)
  const resumable = reading.terms.guarantee === 'resumable'
  if (after.state === 'unknown') {
    if (reading.terms.guarantee !== 'guarded') {
      reading.report('L3', known, `${reading.terms.guarantee} operations never end as unknown.`, index)
    }
    if (from === 'not-begun' && write.step !== 'settle') {
      reading.report('L4', known, 'A claim that had begun nothing became unknown instead of being taken over.', index)
    }
    if (reading.terms.calm) reading.report('Q1', known, 'An outcome became unknown in calm weather.', index)
  }
  const takeover = before?.state === 'running' && after.state === 'running' && before.attemptId !== after.attemptId
  if (takeover && reading.terms.calm) reading.report('Q1', known, 'A claim was taken over in calm weather.', index)
  const allowed = ways[from].includes(to) || (resumable && from === 'begun' && to === 'begun')
  const taken = takeover && from === 'begun' && !resumable
  if (!allowed || taken) reading.report('S11', known, `The record went from ${from} to ${to}.`, index)
  else if (from === 'completed' && to === 'completed' && known.life.recorded?.outcome !== write.outcome) {
    reading.report('S11', known, 'The bytes of a completed outcome changed.', index)
  }
}

type Place = 'absent' | 'not-begun' | 'begun' | 'unknown' | 'released' | 'completed' | 'expired'

const ways: Readonly<Record<Place, readonly Place[]>> = {
  absent: ['not-begun', 'begun', 'released', 'completed'],
  'not-begun': ['not-begun', 'begun', 'released', 'completed', 'unknown'],
  begun: ['begun', 'released', 'completed', 'unknown'],
  unknown: ['released', 'completed'],
  released: ['not-begun', 'begun', 'released', 'completed'],
  completed: ['completed', 'expired'],
  expired: ['expired'],
}

function placeOf(record: RecordFacts | undefined): Place {
  if (record === undefined) return 'absent'
  return record.state === 'running' ? (record.effect ?? 'not-begun') : record.state
}

function remember(known: Known, write: Write, after: RecordFacts, index: number): void {
  const { life } = known
  known.record = after
  if (life.fingerprint === undefined) {
    life.fingerprint = after.fingerprint
    life.boundAt = write.t
  }
  switch (after.state) {
    case 'running':
      if (after.effect === 'begun') known.begun.add(after.attemptId)
      return
    case 'released':
      life.releasedAtMs = write.storeMs
      return
    case 'completed':
      // Made once; a second one has been reported, and the first is what callers may rely on.
      life.recorded ??= {
        outcome: write.outcome ?? '',
        success: write.success,
        fingerprint: after.fingerprint,
        storeMs: write.storeMs,
        index,
        resolved: write.step === 'resolve',
      }
      return
    case 'expired':
      if (write.step === 'erase') life.erasedAt = write.t
      return
    case 'unknown':
      return
  }
}

function same(a: RecordFacts, b: RecordFacts): boolean {
  return (
    a.state === b.state &&
    a.fence === b.fence &&
    a.attemptId === b.attemptId &&
    a.fingerprint === b.fingerprint &&
    a.effect === b.effect
  )
}
