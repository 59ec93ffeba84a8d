// Every interleaving of the library's own transitions, in the small settings; and, as the control, that the checker sees
// what is wrong with broken ones.

import { explore, type Rules, type Setting, settings } from '@reprise/testkit/model'
import * as engine from 'reprise/engine'
import { describe, expect, test } from 'vitest'

describe('every law holds in every state', () => {
  test.each(settings.filter(({ small }) => small).map((setting) => [setting.name, setting] as const))(
    '%s',
    (_, setting) => {
      const explored = explore(setting, engine)
      expect(explored.violation).toBe(undefined)
      expect(explored.states).toBeGreaterThan(1000)
    },
  )
})

const setting = (name: string): Setting => {
  const found = settings.find((one) => one.name === name)
  if (found === undefined) throw new Error(`There is no setting "${name}".`)
  return found
}

const guarded = setting('guarded, 2 attempts')
const named = setting('guarded, named, 2 attempts')
const transactional = setting('transactional, 3 attempts, doubled')
const expiry = setting('guarded, named, 2 attempts, expiry')

/** The claim of whoever holds the record now: a write that names it is never refused. */
const holder = (record: engine.OperationRecord | undefined, by: engine.Claim): engine.Claim =>
  record === undefined ? by : { id: by.id, attemptId: record.attemptId, fence: record.fence }

const mutants: readonly [name: string, law: string, setting: Setting, broken: Partial<Rules>][] = [
  [
    'a lapsed guarded claim is run again',
    'S1',
    guarded,
    {
      claim: (stored, operation, terms, nowMs, floor) =>
        engine.claim(
          stored?.state === 'running' ? { ...stored, effect: 'not-begun' } : stored,
          operation,
          terms,
          nowMs,
          floor,
        ),
    },
  ],
  [
    'the commit point asks for no claim',
    'S1',
    named,
    { beginEffect: (record, by) => engine.beginEffect(record, holder(record, by)) },
  ],
  [
    'a settlement asks for no claim',
    'S1',
    setting('guarded, named, 3 attempts'),
    { settle: (record, by, ending, nowMs) => engine.settle(record, holder(record, by), ending, nowMs) },
  ],
  [
    'unknown is run again like released',
    'S1',
    guarded,
    {
      claim: (stored, operation, terms, nowMs, floor) =>
        engine.claim(
          stored?.state === 'unknown'
            ? { ...stored, state: 'released', releasedAtMs: 0, forgetAtMs: 20, steps: [] }
            : stored,
          operation,
          terms,
          nowMs,
          floor,
        ),
    },
  ],
  [
    'a transaction commits over a completed record',
    'S1',
    transactional,
    {
      settleAtOnce: (stored, operation, terms, ending, nowMs, floor) =>
        engine.settleAtOnce(stored?.state === 'completed' ? undefined : stored, operation, terms, ending, nowMs, floor),
    },
  ],
  [
    'the fence starts again after the tombstone',
    'S10',
    expiry,
    { claim: (stored, operation, terms, nowMs) => engine.claim(stored, operation, terms, nowMs, 0) },
  ],
  [
    'a lapsed claim holds for ever',
    'L1',
    named,
    {
      claim: (stored, operation, terms, _nowMs, floor) => engine.claim(stored, operation, terms, 0, floor),
    },
  ],
]

describe('the checker sees what is broken, by the shortest trace', () => {
  test.each(mutants)('%s: %s', (_, law, where, broken) => {
    const { violation } = explore(where, { ...engine, ...broken })
    expect(violation?.law.split(':')[0]).toBe(law)
    expect(violation?.trace.length).toBeGreaterThan(0)
  })
})
