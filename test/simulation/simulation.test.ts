// Fixed seeds of the simulated world: in each every law holds, and together they have met everything worth meeting.

import { timeline } from '@reprise/testkit/history'
import {
  atTopOfTurn,
  installed,
  type Library,
  noCounts,
  type SimulationOptions,
  type SimulationResult,
  shrink,
  simulate,
  sometimes,
} from '@reprise/testkit/simulation'
import { describe, expect, test } from 'vitest'

const modes = ['engine', 'http'] as const
const guarantees = ['transactional', 'resumable', 'guarded'] as const
const worlds = modes.flatMap((mode) => guarantees.map((guarantee) => ({ mode, guarantee })))
const seeds = { engine: 4000, http: 2000 }

const met = noCounts()

/** Runs seeds until one breaks a law; then the test shows how it went. */
async function everyLawHolds(from: number, count: number, options: SimulationOptions): Promise<void> {
  const broken = await atTopOfTurn(() => {
    for (let seed = from; seed < from + count; seed++) {
      const result = simulate(installed, seed, { ...options, counts: met })
      if (result.violations.length > 0) return result
    }
    return undefined
  })
  const story = broken === undefined ? '' : `seed ${broken.seed}\n${timeline(broken.history, broken.violations)}`
  expect(story).toBe('')
}

describe('every law holds', () => {
  test.each(worlds)('$mode, $guarantee', ({ mode, guarantee }) => everyLawHolds(1, seeds[mode], { mode, guarantee }))

  test.each(worlds)('in calm weather: $mode, $guarantee', ({ mode, guarantee }) =>
    everyLawHolds(1, 200, { mode, guarantee, calm: true }),
  )
})

test('everything that should sometimes happen has happened', () => {
  const never = Object.keys(sometimes).filter((name) => met[name as keyof typeof sometimes] === 0)
  expect(never).toEqual([])
})

describe('a seed decides everything', () => {
  test.each(modes)('300 seeds twice: %s', async (mode) => {
    const log = (from: number): Promise<string[]> =>
      atTopOfTurn(() => {
        const logs: string[] = []
        for (let seed = from; seed < from + 300; seed++) {
          const { history, counts, weather } = simulate(installed, seed, { mode, notes: true })
          logs.push(JSON.stringify({ history, counts, weather }))
        }
        return logs
      })
    const first = await log(1)
    await log(1000)
    expect(await log(1)).toEqual(first)
  })
})

/** A build in which a lapsed lease runs the handler again. */
const careless: Library = {
  ...installed,
  engine: {
    ...installed.engine,
    claim: (stored, operation, terms, nowMs, fenceFloor) => {
      const forgetful = stored?.state === 'running' ? { ...stored, effect: 'not-begun' as const } : stored
      return installed.engine.claim(forgetful, operation, terms, nowMs, fenceFloor)
    },
  },
}

/** The first seed that breaks a law. */
function firstBroken(library: Library, options: SimulationOptions): Promise<SimulationResult | undefined> {
  return atTopOfTurn(() => {
    for (let seed = 1; seed <= 300; seed++) {
      const result = simulate(library, seed, options)
      if (result.violations.length > 0) return result
    }
    return undefined
  })
}

describe('two builds share a store', () => {
  test('and keep every law together', async () => {
    expect(await firstBroken(installed, { mode: 'http', beside: { ...installed } })).toBe(undefined)
  })

  test('unless one of them is careless', async () => {
    expect(await firstBroken(installed, { guarantee: 'guarded', beside: careless })).toBeDefined()
  })
})

test('a failure is shrunk to fewer faults, and is still the same failure', async () => {
  const options = { guarantee: 'guarded' } as const
  const broken = await firstBroken(careless, options)
  if (broken === undefined) throw new Error('The careless build was not caught.')
  const shrunk = await atTopOfTurn(() => shrink(careless, broken, options))
  expect(shrunk?.without.length).toBeGreaterThan(0)
  expect(shrunk?.result.violations.map(({ law }) => law)).toContain(broken.violations[0]?.law)
})

test('is refused where it could not work', async () => {
  await Promise.resolve()
  expect(() => simulate(installed, 1)).toThrow('atTopOfTurn')
})
