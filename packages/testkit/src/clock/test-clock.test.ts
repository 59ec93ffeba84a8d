import { expect, test } from 'vitest'
import { TestClock } from './test-clock.ts'

test('time stands still until it is moved, and then both clocks move together', async () => {
  const clock = new TestClock(1_000)
  expect([clock.now(), clock.monotonic()]).toEqual([1_000, 0])
  await clock.advance(250)
  expect([clock.now(), clock.monotonic()]).toEqual([1_250, 250])
})

test('timers fire at their own times, in order', async () => {
  const clock = new TestClock(0)
  const fired: string[] = []
  const fire = (name: string) => () => void fired.push(`${name} at ${clock.now()}`)
  clock.after(30, fire('c'))
  clock.after(10, fire('a'))
  clock.after(20, fire('b'))
  clock.after(20, fire('b, set later'))
  await clock.advance(25)
  expect(fired).toEqual(['a at 10', 'b at 20', 'b, set later at 20'])
  await clock.advance(5)
  expect(fired.at(-1)).toBe('c at 30')
  expect(clock.timers).toBe(0)
})

test('a timer that is called off does not fire', async () => {
  const clock = new TestClock()
  clock.after(10, () => expect.unreachable())()
  await clock.advance(10)
})

test('timers that set timers fire on the way, once their work has gone on as far as it can', async () => {
  const clock = new TestClock(0)
  const ticks: number[] = []
  const tick = (): void => {
    void Promise.resolve().then(() => {
      ticks.push(clock.now())
      if (ticks.length < 5) clock.after(100, tick)
    })
  }
  clock.after(100, tick)
  await clock.advance(1_000)
  expect(ticks).toEqual([100, 200, 300, 400, 500])
  expect(clock.now()).toBe(1_000)
})

test('a wall clock that is set back leaves durations and timers alone', async () => {
  const clock = new TestClock(10_000)
  let fired = false
  clock.after(100, () => {
    fired = true
  })
  clock.setWall(500)
  await clock.advance(100)
  expect([clock.now(), clock.monotonic(), fired]).toEqual([600, 100, true])
})

test('soon is the end of the turn, without moving time', async () => {
  const clock = new TestClock(0)
  const order: string[] = []
  const later = new Promise<void>((resolve) =>
    clock.soon(() => {
      order.push('soon')
      resolve()
    }),
  )
  await Promise.resolve().then(() => order.push('promise'))
  await later
  expect([order, clock.now()]).toEqual([['promise', 'soon'], 0])
})
