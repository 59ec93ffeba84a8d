import { describe, expect, test } from 'vitest'
import { RunningAttempt } from './attempt.ts'
import { RepriseError } from './errors.ts'

const facts = {
  id: 'an id',
  key: 'the key of the client',
  principal: 'alice',
  fence: 7,
  number: 2,
  begun: false,
  retentionMs: 1000,
}
const superseded = new RepriseError('attempt-superseded', 'Another attempt has taken over.')

test('an attempt knows its facts', () => {
  const attempt = new RunningAttempt({ ...facts, tx: { value: 'a transaction' } })
  expect(attempt).toMatchObject({ key: facts.key, principal: 'alice', fence: 7, number: 2, tx: 'a transaction' })
})

test('outside a transaction there is no tx', () => {
  const attempt = new RunningAttempt(facts)
  expect(() => attempt.tx).toThrow(expect.objectContaining({ code: 'transaction-missing' }))
})

test('a transaction may be any value, even none', () => {
  expect(new RunningAttempt({ ...facts, tx: { value: undefined } }).tx).toBeUndefined()
})

describe('keyFor', () => {
  test('is the same for every attempt of an operation, and another for every name and operation', () => {
    const [first, second] = [new RunningAttempt(facts), new RunningAttempt({ ...facts, fence: 8, number: 3 })]
    const foreign = new RunningAttempt({ ...facts, id: 'another id' })
    expect(first.keyFor('charge')).toBe(second.keyFor('charge'))
    expect(
      new Set([first.keyFor('charge'), first.keyFor('refund'), first.keyFor(''), foreign.keyFor('charge')]).size,
    ).toBe(4)
  })

  test('does not confuse where the id ends and the name begins', () => {
    const [one, other] = [new RunningAttempt({ ...facts, id: 'ab' }), new RunningAttempt({ ...facts, id: 'a' })]
    expect(one.keyFor('c')).not.toBe(other.keyFor('bc'))
  })

  test('tells nothing of the key of the client', () => {
    expect(new RunningAttempt(facts).keyFor(facts.key)).toMatch(/^[\w-]{43}$/)
  })
})

describe('signal', () => {
  test('is aborted when the attempt is, with the reason', () => {
    const attempt = new RunningAttempt(facts)
    const { signal } = attempt
    expect(signal.aborted).toBe(false)
    attempt.abort(superseded)
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toBe(superseded)
    expect(attempt.signal).toBe(signal)
  })

  test('is aborted from the start when it is first asked for afterwards', () => {
    const attempt = new RunningAttempt(facts)
    attempt.abort(superseded)
    expect(attempt.signal.aborted).toBe(true)
    expect(attempt.signal.reason).toBe(superseded)
  })

  test('keeps its first reason', () => {
    const attempt = new RunningAttempt(facts)
    attempt.abort(superseded)
    attempt.abort(new RepriseError('attempt-overdue', 'It took too long.'))
    expect(attempt.signal.reason).toBe(superseded)
  })
})

describe('commitPoint', () => {
  test('is written once, and has then begun', async () => {
    let written = 0
    const attempt = new RunningAttempt({ ...facts, begin: async () => void written++ })
    await attempt.commitPoint()
    await attempt.commitPoint()
    expect(attempt.begun).toBe(true)
    expect(written).toBe(1)
  })

  test('where it is already past there is nothing to write', async () => {
    const attempt = new RunningAttempt({ ...facts, begun: true, begin: () => expect.unreachable('no write') })
    await attempt.commitPoint()
  })

  test('in a transaction it returns at once, and nothing has begun', async () => {
    const attempt = new RunningAttempt({ ...facts, tx: { value: 1 } })
    await attempt.commitPoint()
    expect(attempt.begun).toBe(false)
  })

  test('that could not be written throws, and an effect may exist unless the handler ends with that error', async () => {
    const failure = new Error('the store is away')
    const attempt = new RunningAttempt({ ...facts, begin: () => Promise.reject(failure) })
    await expect(attempt.commitPoint()).rejects.toBe(failure)
    expect(attempt.begun).toBe(true)
    expect(attempt.beginFailure).toBe(failure)
  })

  test('that could not be written is never passed by calling it again', async () => {
    const failure = new Error('the store is away')
    let tries = 0
    const begin = (): Promise<void> => {
      tries++
      return Promise.reject(failure)
    }
    const attempt = new RunningAttempt({ ...facts, begin })
    for (let calls = 0; calls < 3; calls++) await expect(attempt.commitPoint()).rejects.toBe(failure)
    expect(tries).toBe(1)
  })

  test('is passed by no call before it is acknowledged', async () => {
    let acknowledge: () => void = () => undefined
    const begin = (): Promise<void> =>
      new Promise((resolve) => {
        acknowledge = resolve
      })
    const attempt = new RunningAttempt({ ...facts, begin })
    let passed = 0
    const calls = [1, 2].map(() => attempt.commitPoint().then(() => passed++))
    await new Promise<void>((resolve) => setImmediate(resolve))
    expect(passed).toBe(0)
    acknowledge()
    await Promise.all(calls)
    expect(passed).toBe(2)
  })

  test('of a superseded attempt throws before anything is written', async () => {
    const attempt = new RunningAttempt({ ...facts, begin: () => expect.unreachable('no write') })
    attempt.abort(superseded)
    await expect(attempt.commitPoint()).rejects.toBe(superseded)
    expect(attempt.begun).toBe(false)
  })
})

describe('wishes', () => {
  test('retainFor takes a duration, and refuses what is none', () => {
    const attempt = new RunningAttempt(facts)
    attempt.retainFor('1h')
    expect(attempt.retentionMs).toBe(3_600_000)
    for (const wrong of ['soon', -1, Number.NaN]) {
      expect(() => attempt.retainFor(wrong as number)).toThrow(expect.objectContaining({ code: 'option-invalid' }))
    }
    expect(attempt.retentionMs).toBe(3_600_000)
  })

  test('doNotStore is remembered', () => {
    const attempt = new RunningAttempt(facts)
    attempt.doNotStore()
    expect(attempt.stored).toBe(false)
  })
})
