import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { OperationRecord } from '../../engine/record.ts'
import { bodyOf, decodeRow, encodeRecord } from './codec.ts'

const ms = fc.nat({ max: 4_102_444_800_000 })
const word = fc.string({ unit: 'grapheme', maxLength: 30 })
const common = {
  id: word,
  name: word,
  fingerprint: word,
  guarantee: fc.constantFrom('transactional' as const, 'resumable' as const, 'guarded' as const),
  fence: fc.nat(),
  attemptId: word,
  attempts: fc.nat(),
  createdAtMs: ms,
}
const steps = fc.array(fc.record({ name: word, value: word }), { maxLength: 3 })
const body = fc.oneof(
  fc.constant(null),
  fc.uint8Array({ maxLength: 300 }),
  word.map((text) => new TextEncoder().encode(text)),
)
const headers = fc.array(fc.tuple(word, word), { maxLength: 4 })
const outcome = fc.oneof(
  fc.record({ status: fc.integer({ min: 200, max: 599 }), headers, body }),
  fc.record({ status: fc.constant(201), headers, body: fc.constant(null), bodyKept: fc.constant(false as const) }),
)
const record: fc.Arbitrary<OperationRecord> = fc.oneof(
  fc.record({
    ...common,
    state: fc.constant('completed' as const),
    outcome,
    completedAtMs: ms,
    retainUntilMs: ms,
    forgetAtMs: ms,
  }),
  fc.record({
    ...common,
    state: fc.constant('running' as const),
    effect: fc.constantFrom('begun' as const, 'not-begun' as const),
    claimedAtMs: ms,
    leaseUntilMs: ms,
    steps,
  }),
  fc.record({ ...common, state: fc.constant('released' as const), releasedAtMs: ms, forgetAtMs: ms, steps }),
  fc.record({
    ...common,
    state: fc.constant('unknown' as const),
    reason: fc.constantFrom('lease-lapsed' as const, 'handler-failed' as const),
    sinceMs: ms,
  }),
  fc.record({ ...common, state: fc.constant('expired' as const), status: fc.nat(), expiredAtMs: ms, forgetAtMs: ms }),
)

const row = (of: OperationRecord) => ({ id: of.id, record: encodeRecord(of), body: bodyOf(of) })
const plain = (of: OperationRecord) =>
  of.state === 'completed' && of.outcome.body !== null
    ? { ...of, outcome: { ...of.outcome, body: [...of.outcome.body] } }
    : of

describe('a record as a row', () => {
  it('comes back as it was, whatever is in it', () => {
    fc.assert(
      fc.property(record, (given) => {
        expect(plain(decodeRow(row(given)))).toEqual(plain(given))
      }),
    )
  })

  it('keeps no body and an empty body apart', () => {
    const [given] = fc.sample(
      record.filter((one) => one.state === 'completed' && one.outcome.bodyKept !== false),
      1,
    )
    if (given?.state !== 'completed') throw new Error('The sample is no completed record.')
    const empty = { ...given, outcome: { ...given.outcome, body: new Uint8Array() } }
    const none = { ...given, outcome: { ...given.outcome, body: null } }

    const [readEmpty, readNone] = [decodeRow(row(empty)), decodeRow(row(none))]

    expect(readEmpty.state === 'completed' && readEmpty.outcome.body?.byteLength).toBe(0)
    expect(readNone.state === 'completed' && readNone.outcome.body).toBe(null)
  })

  it.each([
    ['damaged', '[1,"completed"', 'record-unreadable'],
    ['no array', '{"state":"completed"}', 'record-unreadable'],
    ['of a newer format', '[2,"completed","n"]', 'record-unreadable'],
    ['in a state of a later version', '[1,"parked","n","f","guarded",1,"a",1,0]', 'record-unreadable'],
  ])('is an error and never an absence when it is %s', (_, text, code) => {
    expect(() => decodeRow({ id: 'x', record: text, body: null })).toThrow(expect.objectContaining({ code }))
  })
})
