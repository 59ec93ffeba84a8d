import { beforeEach, describe, expect, test } from 'vitest'
import type { Clock } from '../clock.ts'
import { type Child, type Exit, type Fate, type Supervisor, supervise } from './supervisor.ts'

/** A clock that moves when it is told to. */
function heldClock(): Clock & { advance(ms: number): void } {
  let nowMs = 0
  const timers = new Set<{ atMs: number; call: () => void }>()
  return {
    now: () => new Date(nowMs),
    after: (ms, then) => {
      const timer = { atMs: nowMs + ms, call: then }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    every: () => () => undefined,
    advance: (ms) => {
      nowMs += ms
      for (const timer of timers) {
        if (timer.atMs > nowMs) continue
        timers.delete(timer)
        timer.call()
      }
    },
  }
}

interface Started extends Child {
  readonly number: number
  readonly fate: Fate
  told: ('stop' | 'kill')[]
}

let clock: ReturnType<typeof heldClock>
let started: Started[]
let supervisor: Supervisor
let pauses: unknown[]

const crash: Exit = { code: null, signal: 'SIGKILL' }
const well: Exit = { code: 0, signal: null }

beforeEach(() => {
  clock = heldClock()
  started = []
  pauses = []
  supervisor = supervise({
    count: 3,
    clock,
    log: {
      info: () => undefined,
      warn: (facts) => pauses.push((facts as { pauseMs?: number }).pauseMs),
    },
    start: (number, fate) => {
      const child: Started = {
        number,
        fate,
        pid: 100 + started.length,
        told: [],
        stop: () => child.told.push('stop'),
        kill: () => child.told.push('kill'),
      }
      started.push(child)
      return child
    },
  })
})

const numbers = (): number[] => started.map(({ number }) => number)

function startAll(): void {
  for (let at = 0; at < 3; at++) started[at]?.fate.serving()
}

describe('the start', () => {
  test('the first goes ahead, the others follow, and then all serve', async () => {
    expect(numbers()).toEqual([1])
    startAll()
    expect(numbers()).toEqual([1, 2, 3])
    await supervisor.serving
  })

  test('where the first can’t serve, nobody is started, and the reason is told once', async () => {
    started[0]?.fate.ended({ code: 1, signal: null })
    await expect(supervisor.serving).rejects.toThrow(/before it could take requests/)
    clock.advance(60_000)
    expect(numbers()).toEqual([1])
  })
})

describe('a process that dies', () => {
  beforeEach(startAll)

  test('is replaced by one with its number', () => {
    clock.advance(10_000)
    started[1]?.fate.ended(crash)
    expect(numbers()).toEqual([1, 2, 3])
    clock.advance(50)
    expect(numbers()).toEqual([1, 2, 3, 2])
  })

  test('again and again, is replaced more and more slowly; one that has served for a while counts as new', () => {
    const last = (): Started => started.at(-1) as Started
    started[2]?.fate.ended(crash)
    for (let died = 0; died < 9; died++) {
      const before = started.length
      clock.advance(4999)
      if (started.length === before) clock.advance(1)
      expect(started.length, `after ${died}`).toBe(before + 1)
      last().fate.ended(crash)
    }
    expect(pauses).toEqual([50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000])
    clock.advance(5000)
    last().fate.serving()
    clock.advance(2000)
    last().fate.ended(crash)
    expect(pauses.at(-1)).toBe(50)
  })

  test('and comes to serve too late is replaced as well', () => {
    const [, second] = started
    second?.fate.ended(crash)
    clock.advance(50)
    started.at(-1)?.fate.ended({ code: 1, signal: null })
    clock.advance(100)
    expect(numbers()).toEqual([1, 2, 3, 2, 2])
  })
})

describe('the stop', () => {
  beforeEach(startAll)

  test('all are asked, and true when all have ended well', async () => {
    const stopped = supervisor.stop()
    expect(started.map(({ told }) => told)).toEqual([['stop'], ['stop'], ['stop']])
    for (const { fate } of started) fate.ended(well)
    expect(await stopped).toBe(true)
    clock.advance(60_000)
    expect(started).toHaveLength(3)
  })

  test('false when one has not', async () => {
    const stopped = supervisor.stop()
    for (const { fate, number } of started) fate.ended(number === 2 ? crash : well)
    expect(await stopped).toBe(false)
  })

  test('one that is only starting has nothing to finish', async () => {
    started[2]?.fate.ended(crash)
    clock.advance(50)
    const stopped = supervisor.stop()
    for (const child of started.filter(({ told }) => told.includes('stop'))) {
      child.fate.ended(child === started.at(-1) ? { code: null, signal: 'SIGTERM' } : well)
    }
    expect(await stopped).toBe(true)
  })

  test('one that takes too long is killed', async () => {
    const stopped = supervisor.stop()
    started[0]?.fate.ended(well)
    started[1]?.fate.ended(well)
    clock.advance(12_000)
    expect(started[2]?.told).toEqual(['stop', 'kill'])
    started[2]?.fate.ended(crash)
    expect(await stopped).toBe(false)
  })

  test('a process that is waiting to be started again is not', async () => {
    started[0]?.fate.ended(crash)
    const stopped = supervisor.stop()
    started[1]?.fate.ended(well)
    started[2]?.fate.ended(well)
    expect(await stopped).toBe(true)
    clock.advance(60_000)
    expect(started).toHaveLength(3)
  })
})
