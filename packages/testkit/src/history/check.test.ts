// Forged histories: each breaks one law, and the checker names that law and no other. And honest ones, which break none.

import { describe, expect, test } from 'vitest'
import { check } from './check.ts'
import type { Event, HistoryTerms, Law, RecordFacts, Write } from './history.ts'

const terms: HistoryTerms = {
  guarantee: 'guarded',
  retentionMs: 1000,
  tombstoneMs: 1000,
  staleMs: 0,
  calm: false,
  duplicateMs: 100,
}
const transactional: HistoryTerms = { ...terms, guarantee: 'transactional' }
const resumable: HistoryTerms = { ...terms, guarantee: 'resumable' }

/** Writes a history down, event by event. Time goes on by 1 ms with each, and `wait` lets more of it pass. */
class Forgery {
  readonly events: Event[] = []
  #t = 0
  #requests = 0

  wait(ms: number): this {
    this.#t += ms
    return this
  }

  invoke(facts: { client?: number; principal?: string; key?: string; payload?: string } = {}): number {
    const { client = 0, principal = 'a', key = 'k', payload = 'p' } = facts
    const request = this.#requests++
    const operation = `${principal}/${key}`
    this.#add({ kind: 'invoke', request, client, principal, operation, fingerprint: payload })
    return request
  }

  ok(request: number, outcome = '201 x', facts: { madeFor?: string } = {}): this {
    return this.#add({ kind: 'ok', request, outcome, success: outcome < '4', madeFor: facts.madeFor ?? 'a' })
  }

  fail(request: number, why: Extract<Event, { kind: 'fail' }>['why'], effect: 'none' | 'unknown' = 'unknown'): this {
    return this.#add({ kind: 'fail', request, arrival: request, why, effect })
  }

  info(request: number): this {
    return this.#add({ kind: 'info', request })
  }

  end(outcome = '201 x', said: 'keep' | 'refuse' | 'release' | 'fail' = 'keep'): this {
    return this.#add({ kind: 'end', arrival: 0, operation: 'a/k', said, outcome })
  }

  /** Of the claim that the attempt holds, or held last. */
  effect(attempt = 'one', facts: { arrival?: number; payload?: string } = {}): this {
    const { arrival = 0, payload = 'p' } = facts
    const claim = this.events.findLast((event) => event.kind === 'write' && event.attempt === attempt)
    const fence = claim?.kind === 'write' ? claim.fence : 0
    return this.#add({ kind: 'effect', operation: 'a/k', arrival, attempt, fence, fingerprint: payload })
  }

  /** A line of the store's log. The record is that of the attempt unless told. */
  write(
    step: Write['step'],
    result: Write['result'],
    record: Partial<RecordFacts> & { state: RecordFacts['state'] },
    facts: Partial<Write> = {},
  ): this {
    const attempt = facts.attempt ?? record.attemptId ?? 'one'
    const fence = facts.fence ?? record.fence ?? 1
    return this.#add({
      kind: 'write',
      storeMs: this.#t + 5000,
      operation: 'a/k',
      step,
      ending: undefined,
      result,
      outcome: record.state === 'completed' ? '201 x' : undefined,
      success: record.state === 'completed',
      ...facts,
      attempt,
      fence,
      record: { fence, attemptId: attempt, fingerprint: 'p', ...record },
    })
  }

  /** A claim and, where it is wanted, the write at the commit point. */
  claim(attempt = 'one', fence = 1, effect: 'not-begun' | 'begun' = 'begun', payload = 'p'): this {
    return this.write('claim', 'granted', { state: 'running', effect, attemptId: attempt, fence, fingerprint: payload })
  }

  complete(attempt = 'one', fence = 1, outcome = '201 x'): this {
    const success = outcome < '4'
    return this.write(
      'settle',
      'written',
      { state: 'completed', attemptId: attempt, fence },
      { ending: 'completed', outcome, success },
    )
  }

  /** Everything that it takes: claim, effect, settlement. */
  run(attempt = 'one', fence = 1): this {
    return this.claim(attempt, fence).effect(attempt).end().complete(attempt, fence)
  }

  /** A transaction that commits an effect with its outcome. */
  commit(attempt = 'one', fence = 1, outcome = '201 x'): this {
    const success = outcome < '4'
    return this.end(outcome, success ? 'keep' : 'refuse').write(
      'commit',
      'written',
      { state: 'completed', attemptId: attempt, fence },
      { ending: 'completed', outcome, success },
    )
  }

  crash(): this {
    return this.#add({ kind: 'crash', process: 'node-0' })
  }

  loss(sinceAgo: number): this {
    return this.#add({ kind: 'loss', since: this.#t - sinceAgo })
  }

  unreadable(): this {
    return this.#add({ kind: 'unreadable', operation: 'a/k' })
  }

  revoke(): this {
    return this.#add({ kind: 'revoke', principal: 'a' })
  }

  heal(): this {
    return this.#add({ kind: 'heal' })
  }

  #add(event: DistributiveOmit<Event, 't'>): this {
    this.#t++
    this.events.push({ ...event, t: this.#t } as Event)
    return this
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

function lawsBroken(history: Forgery, under: HistoryTerms = terms): Law[] {
  return check({ terms: under, events: history.events }).map(({ law }) => law)
}

type Forge = (history: Forgery) => void

const forged: readonly [law: Law, story: string, forge: Forge, under?: HistoryTerms][] = [
  ['S1', 'the call of one attempt is made twice', (h) => h.claim().effect().effect().end().complete()],
  [
    'S1',
    'downstream did not deduplicate',
    (h) => h.claim('one', 1).effect('one').claim('two', 2).effect('two'),
    resumable,
  ],
  [
    'S2',
    'two callers get different bytes',
    (h) => {
      const [one, two] = [h.invoke(), h.invoke()]
      h.run().end('201 y').ok(one).ok(two, '201 y')
    },
  ],
  [
    'S3',
    'another payload gets the outcome of the first',
    (h) => {
      h.run()
      h.ok(h.invoke({ payload: 'q' }))
    },
  ],
  [
    'S3',
    'another payload is told to come back',
    (h) => {
      h.claim()
      h.fail(h.invoke({ payload: 'q' }), 'in-progress')
    },
  ],
  [
    'S3',
    'another payload takes a lapsed claim over',
    (h) => h.claim('one', 1, 'not-begun').claim('two', 2, 'not-begun', 'q'),
  ],
  ['S3', 'an effect is made of another payload', (h) => h.claim().effect('one', { payload: 'q' })],
  [
    'S4',
    'an answer is made for somebody else',
    (h) => {
      const request = h.invoke()
      h.run().ok(request, '201 x', { madeFor: 'b' })
    },
  ],
  [
    'S5',
    'an effect without its record',
    (h) => h.write('commit', 'written', { state: 'released' }, { ending: 'released' }).effect().crash(),
    transactional,
  ],
  ['S5', 'a record without its effect', (h) => h.commit().crash(), transactional],
  ['S5', 'a refusal with an effect', (h) => h.commit('one', 1, '402 x').effect().crash(), transactional],
  [
    'S6',
    'a success without an effect',
    (h) => {
      const request = h.invoke()
      h.claim().end().complete().ok(request)
    },
  ],
  [
    'S6',
    'an answer that was meant to pass is replayed',
    (h) => {
      const request = h.invoke()
      h.claim().effect().end('500 x', 'fail').complete('one', 1, '500 x').ok(request, '500 x')
    },
  ],
  [
    'S6',
    'a caller is told that nothing happened after it had',
    (h) => {
      const request = h.invoke()
      h.claim().effect('one', { arrival: request }).fail(request, 'unavailable', 'none')
    },
  ],
  [
    'S6',
    'a caller is told that nothing happened before it does',
    (h) => {
      const request = h.invoke()
      h.claim().fail(request, 'unavailable', 'none').effect('one', { arrival: request })
    },
  ],
  [
    'S7',
    'the outcome is known, and a later caller is told to wait',
    (h) => {
      const request = h.invoke()
      h.run().ok(request)
      h.fail(h.invoke(), 'in-progress')
    },
  ],
  [
    'S7',
    'the payload that made the outcome is refused as another one',
    (h) => {
      h.run()
      h.fail(h.invoke(), 'mismatch')
    },
  ],
  [
    'S7',
    'an outcome is refused as expired while it is retained',
    (h) => {
      h.run().wait(500)
      h.fail(h.invoke(), 'expired')
    },
  ],
  [
    'S8',
    'the answer is sent and never recorded',
    (h) => {
      const request = h.invoke()
      h.claim().effect().end().ok(request)
    },
  ],
  [
    'S9',
    'a superseded attempt renews',
    (h) =>
      h
        .claim('one', 1, 'not-begun')
        .claim('two', 2, 'not-begun')
        .write(
          'renew',
          'written',
          { state: 'running', effect: 'not-begun', attemptId: 'two', fence: 2 },
          { attempt: 'one', fence: 1 },
        ),
  ],
  [
    'S9',
    'a claim is refused because of itself',
    (h) => h.claim().write('claim', 'found', { state: 'running', effect: 'begun' }),
  ],
  [
    'S9',
    'the holder may not settle',
    (h) => h.claim().write('settle', 'superseded', { state: 'running', effect: 'begun' }, { ending: 'completed' }),
  ],
  [
    'S9',
    'a stranger writes',
    (h) =>
      h
        .claim()
        .write('settle', 'superseded', { state: 'running', effect: 'begun' }, { attempt: 'who', ending: 'completed' }),
  ],
  ['S10', 'the fence starts again', (h) => h.claim('one', 5, 'not-begun').claim('two', 1, 'not-begun')],
  [
    'S10',
    'a takeover in the name of the one before',
    (h) =>
      h
        .claim('one', 1, 'not-begun')
        .write(
          'claim',
          'granted',
          { state: 'running', effect: 'not-begun', attemptId: 'one', fence: 2 },
          { attempt: 'two', fence: 2 },
        ),
  ],
  ['S11', 'completed runs again', (h) => h.run().claim('two', 2)],
  ['S11', 'begun is taken over', (h) => h.claim().claim('two', 2)],
  ['S11', 'completed bytes change', (h) => h.run().complete('one', 1, '201 y')],
  [
    'S11',
    'an unfinished record is forgotten',
    (h) =>
      h.claim().events.push({ ...(h.events.at(-1) as Write), step: 'sweep', result: 'written', record: undefined }),
  ],
  ['S12', 'an effect before any claim', (h) => h.effect().claim()],
  ['S12', 'an effect before "effect began"', (h) => h.claim('one', 1, 'not-begun').effect()],
  [
    'S13',
    'a key runs again under its tombstone',
    (h) => h.run().wait(1500).claim('two', 2).effect('two').complete('two', 2),
  ],
  [
    'S13',
    'an outcome is replayed after its retention',
    (h) => {
      h.run().wait(1500)
      h.ok(h.invoke())
    },
  ],
  [
    'S14',
    'a record that nobody can read is written over',
    (h) => h.claim('one', 1, 'not-begun').unreadable().claim('two', 2, 'not-begun'),
  ],
  [
    'S16',
    'a revoked principal is answered',
    (h) => {
      h.run().revoke()
      h.ok(h.invoke())
    },
  ],
  ['L1', 'a record runs for ever', (h) => h.claim().heal()],
  [
    'L2',
    'the second try, too, leaves a caller without an answer',
    (h) => {
      h.heal()
      h.fail(h.invoke(), 'unavailable')
      h.info(h.invoke())
    },
  ],
  [
    'L3',
    'a resumable operation becomes unknown',
    (h) => h.claim().write('settle', 'written', { state: 'unknown' }, { ending: 'unknown' }),
    resumable,
  ],
  [
    'L4',
    'a claim that had begun nothing becomes unknown',
    (h) =>
      h
        .claim('one', 1, 'not-begun')
        .write('claim', 'found', { state: 'unknown', attemptId: 'one', fence: 1 }, { attempt: 'two', fence: 0 }),
  ],
  [
    'L5',
    'a late outcome is refused',
    (h) =>
      h
        .claim()
        .write('claim', 'found', { state: 'unknown', attemptId: 'one', fence: 1 }, { attempt: 'two', fence: 0 })
        .write('settle', 'superseded', { state: 'unknown' }, { ending: 'completed' }),
  ],
  [
    'L7',
    'a duplicate is kept waiting',
    (h) => {
      h.claim()
      const request = h.invoke()
      h.wait(500).fail(request, 'in-progress')
    },
    { ...terms, calm: true },
  ],
  [
    'Q1',
    'a claim is taken over in calm weather',
    (h) => h.claim('one', 1, 'not-begun').claim('two', 2, 'not-begun'),
    { ...terms, calm: true },
  ],
]

describe('a forged history is convicted of the law that it breaks, and of no other', () => {
  test.each(forged)('%s: %s', (law, _story, forge, under) => {
    const history = new Forgery()
    forge(history)
    expect(lawsBroken(history, under)).toEqual([law])
  })

  test('every law has a forgery', () => {
    const all: readonly Law[] = [
      'S1',
      'S2',
      'S3',
      'S4',
      'S5',
      'S6',
      'S7',
      'S8',
      'S9',
      'S10',
      'S11',
      'S12',
      'S13',
      'S14',
      'S16',
      'L1',
      'L2',
      'L3',
      'L4',
      'L5',
      'L7',
      'Q1',
    ]
    expect(new Set(forged.map(([law]) => law))).toEqual(new Set(all))
  })
})

const honest: readonly [story: string, forge: Forge, under?: HistoryTerms][] = [
  [
    'once, and replayed',
    (h) => {
      const [one, two] = [h.invoke(), h.invoke()]
      h.run().ok(one).ok(two).heal()
      h.ok(h.invoke())
    },
  ],
  [
    'a crash in the middle is unknown, and the late outcome of the same attempt counts',
    (h) => {
      const request = h.invoke()
      h.claim().crash().info(request)
      const again = h.invoke()
      h.write('claim', 'found', { state: 'unknown', attemptId: 'one', fence: 1 }, { attempt: 'two', fence: 0 }).fail(
        again,
        'unknown',
      )
      h.effect().end().complete().heal()
      h.ok(h.invoke())
    },
  ],
  [
    'a takeover before the effect began, and the zombie is refused',
    (h) => {
      h.claim('one', 1, 'not-begun').claim('two', 2, 'begun')
      h.write(
        'begin-effect',
        'superseded',
        { state: 'running', effect: 'begun', attemptId: 'two', fence: 2 },
        { attempt: 'one', fence: 1 },
      )
      h.effect('two').end().complete('two', 2).heal()
    },
  ],
  [
    'a release, and then an outcome under the same payload',
    (h) => {
      const request = h.invoke()
      h.claim('one', 1, 'not-begun').write('settle', 'written', { state: 'released' }, { ending: 'released' })
      h.fail(request, 'released', 'none')
      h.claim('two', 2).effect('two', { arrival: 1 }).end().complete('two', 2)
      h.fail(h.invoke({ payload: 'q' }), 'mismatch')
    },
  ],
  ['a transaction that refuses leaves no effect', (h) => h.commit('one', 1, '402 x').crash(), transactional],
  ['a transaction with its effect', (h) => h.commit().effect().crash(), transactional],
  [
    'a key is refused under its tombstone and begins a new life after it',
    (h) => {
      h.run().wait(1500)
      h.fail(h.invoke(), 'expired')
      h.wait(1000).run('two', 2)
      h.ok(h.invoke())
    },
  ],
  [
    'what a failover lost is excused, and nothing else',
    (h) => h.claim('one', 1, 'begun').effect('one').loss(10).claim('two', 1, 'begun').effect('two'),
  ],
  [
    'an outcome is replayed from a process whose clock is wrong',
    (h) => {
      h.run().wait(1500)
      h.ok(h.invoke())
    },
    { ...terms, staleMs: 60_000 },
  ],
]

describe('an honest history breaks no law', () => {
  test.each(honest)('%s', (_story, forge, under) => {
    const history = new Forgery()
    forge(history)
    expect(lawsBroken(history, under)).toEqual([])
  })
})

test('a violation names its law, its operation, and the events that show it', () => {
  const history = new Forgery().claim().effect().effect()
  expect(check({ terms, events: history.events })).toEqual([
    { law: 'S1', operation: 'a/k', story: 'Effect number 2 of one operation.', events: [1, 2] },
  ])
})

test('a history that answers what nobody asked is no history', () => {
  expect(() => check({ terms, events: new Forgery().ok(7).events })).toThrow('nobody sent')
})
