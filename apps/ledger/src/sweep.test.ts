import { expect, test } from 'vitest'
import type { Clock } from './clock.ts'
import { SWEEP_BATCH, SWEEP_BATCHES_MAX, sweepRegularly } from './sweep.ts'

/** A clock of which each minute is a call. */
function heldClock(): Clock & { minute(): Promise<void>; readonly running: boolean } {
  let tick: (() => void) | undefined
  return {
    now: () => new Date(0),
    after: () => () => undefined,
    every: (_, then) => {
      tick = then
      return () => {
        tick = undefined
      }
    },
    minute: async () => {
      tick?.()
      await new Promise(setImmediate)
    },
    get running() {
      return tick !== undefined
    },
  }
}

const quiet = { info: () => undefined, error: () => undefined }

test('sweeps batch after batch until one is not full', async () => {
  const clock = heldClock()
  const due = [SWEEP_BATCH, SWEEP_BATCH, 7, 0]
  const limits: number[] = []
  const store = {
    sweep: async (limit: number) => {
      limits.push(limit)
      return { expired: due.shift() ?? 0, forgotten: 0 }
    },
  }
  sweepRegularly(store, clock, quiet)
  expect(limits).toEqual([])
  await clock.minute()
  expect(limits).toEqual([SWEEP_BATCH, SWEEP_BATCH, SWEEP_BATCH])
  await clock.minute()
  expect(limits).toHaveLength(4)
})

test('stops after a bounded number of batches, however much is left', async () => {
  const clock = heldClock()
  let batches = 0
  const store = {
    sweep: async () => {
      batches++
      return { expired: SWEEP_BATCH, forgotten: 0 }
    },
  }
  sweepRegularly(store, clock, quiet)
  await clock.minute()
  expect(batches).toBe(SWEEP_BATCHES_MAX)
})

test('never overlaps, survives a failure, and stops once nothing is under way', async () => {
  const clock = heldClock()
  const errors: object[] = []
  const finish: { resolve: () => void; reject: (error: Error) => void }[] = []
  const store = {
    sweep: () =>
      new Promise<{ expired: number; forgotten: number }>((resolve, reject) => {
        finish.push({ resolve: () => resolve({ expired: 0, forgotten: 0 }), reject })
      }),
  }
  const sweeping = sweepRegularly(store, clock, { ...quiet, error: (facts) => errors.push(facts) })
  await clock.minute()
  await clock.minute()
  expect(finish).toHaveLength(1)

  finish[0]?.reject(new Error('disk full'))
  await clock.minute()
  expect(errors).toHaveLength(1)
  await clock.minute()
  expect(finish).toHaveLength(2)

  let stopped = false
  const stop = sweeping.stop().then(() => {
    stopped = true
  })
  await new Promise(setImmediate)
  expect([stopped, clock.running]).toEqual([false, false])
  finish[1]?.resolve()
  await stop
  expect(stopped).toBe(true)
})
