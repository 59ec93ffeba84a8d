import { describe, expect, it } from 'vitest'
import { NotApplied } from './engine/errors.ts'
import { createReprise } from './reprise.ts'
import { memory } from './stores/memory.ts'

const policy = { name: 'invoice.send', guarantee: 'transactional' } as const
const guarded = { name: 'invoice.send', guarantee: 'guarded' } as const
const named = (input: unknown = { to: 'anna' }) => ({ principal: 't', key: 'k', input })
const setUp = () => {
  const store = memory()
  return { store, reprise: createReprise({ store, principal: () => 't' }) }
}

describe('a run without HTTP', () => {
  it.each<[string, unknown]>([
    ['an object', { id: 1, lines: [null, 'x'] }],
    ['nothing', undefined],
    ['null', null],
    ['zero', 0],
    ['an empty string', ''],
  ])('that returns %s returns it again, and does nothing', async (_, value) => {
    const { reprise } = setUp()
    let runs = 0
    const run = () =>
      reprise.run(policy, named(), () => {
        runs++
        return value
      })
    expect(await run()).toEqual({ kind: 'done', value, replayed: false })
    expect(await run()).toEqual({ kind: 'done', value, replayed: true })
    expect(runs).toBe(1)
  })

  it('tells another input under the same key, but not another spelling of it', async () => {
    const { reprise } = setUp()
    await reprise.run(policy, named({ to: 'anna', amount: 1 }), () => 1)
    expect(await reprise.run(policy, named({ amount: 1.0, to: 'anna' }), () => 2)).toMatchObject({ replayed: true })
    expect(await reprise.run(policy, named({ to: 'ben' }), () => 2)).toEqual({ kind: 'mismatch' })
  })

  it('throws what the effect threw where nothing happened, and may be run again', async () => {
    const { reprise, store } = setUp()
    const error = new Error('bug')
    const failing = reprise.run(policy, named(), ({ tx }) => {
      tx.set('effect', true)
      throw error
    })
    await expect(failing).rejects.toBe(error)
    expect(store.data.size).toBe(0)
    expect(await reprise.run(policy, named(), () => 'second')).toMatchObject({ value: 'second', replayed: false })
  })

  it('says that the outcome is unknown after a guarded effect failed, to this caller and the next', async () => {
    const { reprise } = setUp()
    const error = new Error('after the charge')
    const first = await reprise.run(guarded, named(), () => {
      throw error
    })
    expect(first).toMatchObject({ kind: 'unknown', error })
    expect(await reprise.run(guarded, named(), () => 'again')).toMatchObject({ kind: 'unknown', error: undefined })
  })

  it('takes the handler at its word that nothing happened', async () => {
    const { reprise } = setUp()
    const failing = reprise.run(guarded, named(), () => {
      throw new NotApplied('refused before booking')
    })
    await expect(failing).rejects.toMatchObject({ code: 'not-applied' })
    expect(await reprise.run(guarded, named(), () => 1)).toMatchObject({ kind: 'done' })
  })

  it('gives a value that is not to be kept to this run only', async () => {
    const { reprise } = setUp()
    const released = await reprise.run(policy, named(), (attempt) => {
      attempt.doNotStore()
      return 'for now'
    })
    expect(released).toEqual({ kind: 'released', value: 'for now' })
    expect(await reprise.run(policy, named(), () => 'for good')).toMatchObject({ value: 'for good', replayed: false })
  })

  it('tells a second run of what is still under way when to come back', async () => {
    const { reprise } = setUp()
    let finish: (value: string) => void = () => undefined
    const first = reprise.run(guarded, named(), () => new Promise<string>((resolve) => (finish = resolve)))
    const second = await reprise.run(guarded, named(), () => 'never')
    expect(second).toMatchObject({ kind: 'in-progress', retryAfterMs: expect.any(Number) })
    finish('done')
    expect(await first).toEqual({ kind: 'done', value: 'done', replayed: false })
  })

  it.each<[string, object]>([
    ['no principal', { principal: '', key: 'k' }],
    ['no key', { principal: 't', key: '' }],
    ['half a character', { principal: '\ud800', key: 'k' }],
    ['an option that is none', { principal: 't', key: 'k', imput: 1 }],
  ])('is refused with %s', async (_, input) => {
    const { reprise } = setUp()
    await expect(reprise.run(policy, input as never, () => 1)).rejects.toMatchObject({
      code: expect.stringMatching(/^option-/),
    })
  })
})
