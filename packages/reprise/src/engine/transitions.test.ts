import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Completed, OperationRecord, Running } from './record.ts'
import type { Claim, Ending, Operation, Terms } from './transitions.ts'
import * as life from './transitions.ts'

const horizons = { retentionMs: 1000, tombstoneMs: 500 }
const operation: Operation = { id: 'id', name: 'order.create', fingerprint: 'v1:f' }
const other: Operation = { ...operation, fingerprint: 'v1:other' }
const leaseMs = 100
const terms = (chosen: Partial<Terms> = {}): Terms => {
  return { attemptId: 'first', guarantee: 'guarded', leaseMs, begun: false, ...chosen }
}
const outcome = { status: 201, headers: [['a', 'b']], body: Uint8Array.of(1) } as const
const completed = { kind: 'completed', outcome, ...horizons } as const
const notBegun = { kind: 'released', proof: 'not-begun', ...horizons } as const
const notApplied = { kind: 'released', proof: 'not-applied', ...horizons } as const
const failed = { kind: 'unknown', reason: 'handler-failed' } as const

/** A record that is claimed at 0 by `first`. */
function running(chosen: Partial<Terms> = {}): Running {
  const result = life.claim(undefined, operation, terms(chosen), 0, 0)
  if (result.kind !== 'granted') throw new Error('not granted')
  return result.record
}

function by(record: OperationRecord): Claim {
  return { id: record.id, attemptId: record.attemptId, fence: record.fence }
}

/** That record after its holder settled it at 10. */
function settled(ending: Ending, record = running({ begun: true })): OperationRecord {
  const result = life.settle(record, by(record), ending, 10)
  if (result.kind !== 'written') throw new Error('not written')
  return result.record
}

/** One record of each state, as of 10. */
const states = (): OperationRecord[] => [
  running(),
  running({ begun: true }),
  settled(completed),
  settled(notApplied),
  settled(failed),
  life.expire(settled(completed) as Completed),
]

test('a claim that arrives after its own attempt was released is not granted: nobody would hold it', () => {
  const record = settled(notApplied)
  expect(life.claim(record, operation, terms(), 20, 0)).toMatchObject({ kind: 'found', record: { state: 'released' } })
  expect(life.claim(record, operation, terms({ attemptId: 'second' }), 20, 0)).toMatchObject({ kind: 'granted' })
})

describe('asOf', () => {
  test('an outcome is kept until its retention ends, then its tombstone, then nothing', () => {
    const record = settled(completed)
    expect(life.asOf(record, 1009)).toBe(record)
    expect(life.asOf(record, 1010)).toEqual(life.expire(record as Completed))
    expect(life.asOf(record, 1509)).toMatchObject({ state: 'expired', expiredAtMs: 1010, forgetAtMs: 1510 })
    expect(life.asOf(record, 1510)).toBeUndefined()
  })

  test('a release is kept until it is forgotten', () => {
    const record = settled(notApplied)
    expect(life.asOf(record, 1509)).toBe(record)
    expect(life.asOf(record, 1510)).toBeUndefined()
  })

  test.for([running(), running({ begun: true }), settled(failed)])('$state never ages out', (record) => {
    expect(life.asOf(record, Number.MAX_SAFE_INTEGER)).toBe(record)
    expect(life.dueAtMs(record)).toBeUndefined()
  })

  test('what is due changes exactly then', () => {
    for (const record of states()) {
      const dueAtMs = life.dueAtMs(record)
      if (dueAtMs === undefined) continue
      expect(life.asOf(record, dueAtMs - 1)).toBe(record)
      expect(life.asOf(record, dueAtMs)).not.toBe(record)
    }
  })
})

describe('claim', () => {
  test('a first claim has the first fence above the floor', () => {
    expect(running()).toEqual({
      ...operation,
      guarantee: 'guarded',
      fence: 1,
      attemptId: 'first',
      attempts: 1,
      createdAtMs: 0,
      state: 'running',
      effect: 'not-begun',
      claimedAtMs: 0,
      leaseUntilMs: leaseMs,
      steps: [],
    })
    expect(life.claim(undefined, operation, terms(), 0, 41).record.fence).toBe(42)
  })

  test('another fingerprint is found in every state, and changes none', () => {
    for (const record of states()) {
      expect(life.claim(record, other, terms({ attemptId: 'second' }), 10, 0)).toEqual({
        kind: 'found',
        record,
        changed: false,
      })
    }
  })

  test('another fingerprint neither takes a lapsed claim over nor turns it unknown', () => {
    for (const record of [running(), running({ begun: true })]) {
      expect(life.claim(record, other, terms({ attemptId: 'second' }), 1e9, 0)).toMatchObject({ kind: 'found', record })
    }
  })

  test.for([
    [completed, 'completed'],
    [failed, 'unknown'],
  ] as const)('an ending %o is found', ([ending, state]) => {
    expect(life.claim(settled(ending), operation, terms({ attemptId: 'second' }), 20, 0)).toMatchObject({
      kind: 'found',
      record: { state },
      changed: false,
    })
  })

  test('an outcome past its retention is found expired, and saved so', () => {
    const result = life.claim(settled(completed), operation, terms({ attemptId: 'second' }), 1010, 0)
    expect(result).toMatchObject({ kind: 'found', record: { state: 'expired' }, changed: true })
  })

  test('a forgotten record is claimed anew, with a fence above its own and above the floor', () => {
    const forgotten = settled(completed, running())
    const again = (floor: number) => life.claim(forgotten, operation, terms(), 1e6, floor)
    expect(again(0)).toMatchObject({ kind: 'granted', record: { fence: 2, attempts: 1, createdAtMs: 1e6 } })
    expect(again(7).record.fence).toBe(8)
  })

  test('a release is granted again, with its steps', () => {
    const record = running({ guarantee: 'resumable' })
    const stepped = life.recordStep(record, by(record), 'charge', '1').record as Running
    const result = life.claim(settled(notBegun, stepped), operation, terms({ attemptId: 'second' }), 20, 0)
    expect(result).toMatchObject({
      kind: 'granted',
      record: { fence: 2, attempts: 2, effect: 'not-begun', claimedAtMs: 20, leaseUntilMs: 120, createdAtMs: 0 },
    })
    expect((result.record as Running).steps).toEqual([{ name: 'charge', value: '1' }])
  })

  test('a claim sent again by its attempt recognises itself, lapsed or not', () => {
    for (const record of [running(), running({ begun: true })]) {
      for (const nowMs of [0, 99, 100, 1e9]) {
        expect(life.claim(record, operation, terms(), nowMs, 0)).toEqual({ kind: 'granted', record })
      }
    }
  })

  test('a claim is honoured to the last millisecond of its lease', () => {
    const record = running()
    const second = terms({ attemptId: 'second' })
    expect(life.claim(record, operation, second, 99, 0)).toMatchObject({ kind: 'found', changed: false })
    expect(life.claim(record, operation, second, 100, 0)).toMatchObject({
      kind: 'granted',
      record: { fence: 2, attempts: 2, attemptId: 'second', effect: 'not-begun' },
    })
  })

  test('a lapsed guarded effect that began turns unknown, and keeps its attempt', () => {
    const result = life.claim(running({ begun: true }), operation, terms({ attemptId: 'second' }), 100, 0)
    expect(result).toMatchObject({
      kind: 'found',
      changed: true,
      record: { state: 'unknown', reason: 'lease-lapsed', sinceMs: 100, attemptId: 'first', fence: 1 },
    })
  })

  test('a lapsed resumable effect that began is taken over, and stays begun', () => {
    const record = running({ guarantee: 'resumable', begun: true })
    const second = terms({ guarantee: 'resumable', attemptId: 'second' })
    expect(life.claim(record, operation, second, 100, 0)).toMatchObject({
      kind: 'granted',
      record: { effect: 'begun', fence: 2 },
    })
  })
})

describe('writes of an attempt', () => {
  const writes: Readonly<Record<string, (record: OperationRecord | undefined, claim: Claim) => life.WriteResult>> = {
    beginEffect: life.beginEffect,
    recordStep: (record, claim) => life.recordStep(record, claim, 'charge', '1'),
    renew: (record, claim) => life.renew(record, claim, leaseMs, 10),
    'settle completed': (record, claim) => life.settle(record, claim, completed, 10),
    'settle not begun': (record, claim) => life.settle(record, claim, notBegun, 10),
    'settle not applied': (record, claim) => life.settle(record, claim, notApplied, 10),
    'settle unknown': (record, claim) => life.settle(record, claim, failed, 10),
  }

  test.for(Object.keys(writes))('%s by anyone but the holder is superseded, in every state', (name) => {
    for (const record of states()) {
      const mine = by(record)
      for (const claim of [
        { ...mine, attemptId: 'second' },
        { ...mine, fence: mine.fence + 1 },
        { ...mine, fence: mine.fence - 1 },
      ]) {
        expect(writes[name]?.(record, claim)).toEqual({ kind: 'superseded', record })
      }
    }
    const nobody = { id: 'id', attemptId: 'first', fence: 1 }
    expect(writes[name]?.(undefined, nobody)).toEqual({ kind: 'superseded', record: undefined })
  })

  test.for(['beginEffect', 'recordStep', 'renew'])('%s by the holder counts only while it runs', (name) => {
    for (const record of states()) {
      expect(writes[name]?.(record, by(record)).kind === 'superseded').toBe(record.state !== 'running')
    }
  })

  test('an effect begins once', () => {
    const record = running()
    const first = life.beginEffect(record, by(record))
    expect(first).toEqual({ kind: 'written', record: { ...record, effect: 'begun' } })
    expect(life.beginEffect(first.record, by(record)).kind).toBe('already-written')
  })

  test('the first value of a step stays', () => {
    const record = running({ guarantee: 'resumable' })
    const first = life.recordStep(record, by(record), 'charge', '1').record
    expect(first).toMatchObject({ effect: 'begun', steps: [{ name: 'charge', value: '1' }] })
    expect(life.recordStep(first, by(record), 'charge', '2')).toEqual({ kind: 'already-written', record: first })
  })

  test('a renewal extends the lease, and never shortens it', () => {
    const record = running()
    expect(life.renew(record, by(record), leaseMs, 50).record).toMatchObject({ leaseUntilMs: 150 })
    expect(life.renew(record, by(record), 1, 50).record).toMatchObject({ leaseUntilMs: 100 })
    expect(life.renew(record, by(record), leaseMs, -1000).record).toMatchObject({ leaseUntilMs: 100 })
  })
})

describe('settle', () => {
  test('retention starts at completion', () => {
    expect(settled(completed)).toMatchObject({ completedAtMs: 10, retainUntilMs: 1010, forgetAtMs: 1510, outcome })
  })

  test('a release is forgotten when its outcome would have been', () => {
    expect(settled(notApplied)).toMatchObject({ releasedAtMs: 10, forgetAtMs: 1510 })
  })

  test.for([
    ['guarded', false, 'written'],
    ['guarded', true, 'superseded'],
    ['transactional', true, 'superseded'],
    ['resumable', false, 'written'],
    ['resumable', true, 'written'],
  ] as const)('%s, begun %s, released as not begun: %s', ([guarantee, begun, kind]) => {
    const record = running({ guarantee, begun })
    expect(life.settle(record, by(record), notBegun, 10).kind).toBe(kind)
    expect(life.settle(record, by(record), notApplied, 10).kind).toBe('written')
  })

  test.for([completed, notApplied, failed])('sent again, $kind recognises itself', (ending) => {
    const record = settled(ending)
    expect(life.settle(record, by(record), ending, 20)).toEqual({ kind: 'already-written', record })
  })

  test('an ending is not turned into another by its own attempt', () => {
    for (const [first, second] of [
      [completed, notApplied],
      [completed, failed],
      [notApplied, completed],
      [notApplied, failed],
    ] as const) {
      const record = settled(first)
      expect(life.settle(record, by(record), second, 20)).toEqual({ kind: 'superseded', record })
    }
  })

  test('unknown takes the late settlement of its own attempt', () => {
    const record = settled(failed)
    expect(life.settle(record, by(record), completed, 20)).toMatchObject({
      kind: 'written',
      record: { state: 'completed' },
    })
    expect(life.settle(record, by(record), notApplied, 20)).toMatchObject({
      kind: 'written',
      record: { state: 'released' },
    })
    expect(life.settle(record, by(record), notBegun, 20)).toEqual({ kind: 'superseded', record })
  })

  test('a completion sent again after its retention is superseded, as it would be after a sweep', () => {
    const record = settled(completed)
    expect(life.settle(record, by(record), completed, 1010)).toMatchObject({
      kind: 'superseded',
      record: { state: 'expired' },
    })
    expect(life.settle(record, by(record), completed, 1510)).toEqual({ kind: 'superseded', record: undefined })
  })
})

describe('resolve', () => {
  test('an unknown outcome is decided either way, and its attempt is superseded by that', () => {
    const record = settled(failed)
    for (const ending of [completed, notApplied]) {
      const decided = life.resolve(record, record.fence, ending, 20)
      expect(decided).toMatchObject({ kind: 'written', record: { state: ending.kind, fence: record.fence + 1 } })
      for (const late of [completed, notApplied, failed]) {
        expect(life.settle(decided.record, by(record), late, 30).kind).toBe('superseded')
      }
    }
  })

  test('a decision based on another fence changes nothing', () => {
    const record = settled(failed)
    expect(life.resolve(record, record.fence + 1, completed, 20)).toEqual({ kind: 'superseded', record })
  })

  test('only an unknown outcome is decided', () => {
    for (const record of [undefined, ...states()]) {
      if (record?.state === 'unknown') continue
      expect(life.resolve(record, record?.fence ?? 1, completed, 20).kind).toBe('superseded')
    }
  })
})

describe('settleAtOnce', () => {
  const at = (stored: OperationRecord | undefined, ending: Exclude<Ending, { kind: 'unknown' }>, nowMs = 20) => {
    return life.settleAtOnce(stored, operation, terms({ attemptId: 'second' }), ending, nowMs, 0)
  }

  test('is a claim and its settlement in one', () => {
    expect(at(undefined, completed)).toMatchObject({
      kind: 'written',
      record: { state: 'completed', fence: 1, attempts: 1 },
    })
    expect(at(settled(notApplied), completed)).toMatchObject({ kind: 'written', record: { fence: 2, attempts: 2 } })
    expect(at(undefined, notApplied)).toMatchObject({ kind: 'written', record: { state: 'released' } })
  })

  test('is superseded by every record that a claim would have found', () => {
    for (const record of [running(), running({ begun: true }), settled(completed), settled(failed)]) {
      expect(at(record, completed)).toEqual({ kind: 'superseded', record })
    }
    expect(at(settled(completed), completed, 1010)).toMatchObject({ kind: 'superseded', record: { state: 'expired' } })
  })
})

describe('expire', () => {
  test('keeps the tombstone, and nothing of the outcome but its status', () => {
    const record = life.expire(settled(completed) as Completed)
    expect(record).toEqual({
      ...operation,
      guarantee: 'guarded',
      fence: 1,
      attemptId: 'first',
      attempts: 1,
      createdAtMs: 0,
      state: 'expired',
      status: 201,
      expiredAtMs: 1010,
      forgetAtMs: 1510,
    })
  })

  test('an erased outcome expires when it is erased', () => {
    expect(life.expire(settled(completed) as Completed, 50)).toMatchObject({ expiredAtMs: 50, forgetAtMs: 1510 })
  })
})

test('whatever happens, fences only grow, completed bytes never change, and unknown is only ended by its attempt', () => {
  const attempt = fc.constantFrom('first', 'second', 'third')
  const command = fc.oneof(
    fc.record({ do: fc.constant('claim' as const), attempt, begun: fc.boolean(), resumable: fc.boolean() }),
    fc.record({
      do: fc.constant('settle' as const),
      attempt,
      ending: fc.constantFrom<Ending[]>(completed, notBegun, notApplied, failed),
    }),
    fc.record({ do: fc.constant('begin' as const), attempt }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 100, 1000) }),
  )
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      let record: OperationRecord | undefined
      let nowMs = 0
      let highest = 0
      const claims = new Map<string, Claim>()
      for (const step of commands) {
        const before = life.asOf(record, nowMs)
        if (step.do === 'wait') {
          nowMs += step.ms
          continue
        }
        const mine = claims.get(step.attempt) ?? { id: 'id', attemptId: step.attempt, fence: 1 }
        if (step.do === 'claim') {
          const guarantee = step.resumable ? 'resumable' : 'guarded'
          const result = life.claim(
            record,
            operation,
            terms({ attemptId: step.attempt, begun: step.begun, guarantee }),
            nowMs,
            0,
          )
          record = result.record
          if (result.kind === 'granted') claims.set(step.attempt, by(record))
          if (result.kind === 'granted' && before?.state !== 'running') assert.ok(record.fence > highest)
        } else {
          const result =
            step.do === 'begin' ? life.beginEffect(record, mine) : life.settle(record, mine, step.ending, nowMs)
          if (result.kind === 'written') {
            assert.ok(before && life.holds(before, mine), 'only the holder writes')
            record = result.record
          }
        }
        if (before?.state === 'completed') assert.equal(record, before)
        if (before?.state === 'unknown' && record?.state !== 'unknown') assert.equal(step.attempt, before.attemptId)
        assert.ok((record?.fence ?? 0) >= highest)
        highest = record?.fence ?? highest
      }
    }),
  )
})
