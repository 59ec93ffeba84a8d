import { describe, expect, test } from 'vitest'
import { decide } from './decide.ts'
import type { OperationRecord } from './record.ts'

const identity = {
  id: 'id',
  name: 'order.create',
  fingerprint: 'v1:mine',
  guarantee: 'guarded',
  fence: 1,
  attemptId: 'attempt',
  attempts: 1,
  createdAtMs: 0,
} as const

const records: { readonly [S in OperationRecord['state']]: Extract<OperationRecord, { state: S }> } = {
  running: { ...identity, state: 'running', effect: 'not-begun', claimedAtMs: 0, leaseUntilMs: 1, steps: [] },
  completed: {
    ...identity,
    state: 'completed',
    outcome: { status: 201, headers: [], body: null },
    completedAtMs: 0,
    retainUntilMs: 1,
    forgetAtMs: 2,
  },
  released: { ...identity, state: 'released', releasedAtMs: 0, forgetAtMs: 1, steps: [] },
  unknown: { ...identity, state: 'unknown', reason: 'handler-failed', sinceMs: 0 },
  expired: { ...identity, state: 'expired', status: 201, expiredAtMs: 0, forgetAtMs: 1 },
}

test('an operation that nobody knows is claimed', () => {
  expect(decide(undefined, 'v1:mine')).toEqual({ kind: 'claim' })
})

describe('with the fingerprint of the record', () => {
  test.for([
    ['running', 'in-progress'],
    ['completed', 'replay'],
    ['unknown', 'unknown'],
    ['expired', 'expired'],
  ] as const)('%s means %s', ([state, kind]) => {
    expect(decide(records[state], 'v1:mine')).toEqual({ kind, record: records[state] })
  })

  test('released means claim', () => {
    expect(decide(records.released, 'v1:mine')).toEqual({ kind: 'claim' })
  })
})

describe('with another fingerprint', () => {
  test.for(Object.values(records))('$state means mismatch', (record) => {
    for (const other of ['v1:other', '', 'v1:min', 'v1:mine ', 'V1:MINE', 'v2:mine']) {
      expect(decide(record, other)).toEqual({ kind: 'mismatch', record })
    }
  })
})
