import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Agenda } from './agenda.ts'
import { atTopOfTurn } from './drain.ts'
import { Random } from './random.ts'

/** Runs everything, and says what ran when. */
function runAll(agenda: Agenda): number[] {
  const times: number[] = []
  while (agenda.step()) times.push(agenda.nowMs)
  return times
}

test('events run in the order of their times, however they were added', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { maxLength: 200 }), (times) => {
      const agenda = new Agenda(new Random(1))
      for (const atMs of times) agenda.at(atMs, () => undefined)
      expect(runAll(agenda)).toEqual([...times].sort((a, b) => a - b))
    }),
  )
})

test('of events at one time the lot decides, and the seed decides the lot', () => {
  const order = (seed: number): number[] => {
    const agenda = new Agenda(new Random(seed))
    const ran: number[] = []
    for (let i = 0; i < 20; i++) agenda.at(5, () => ran.push(i))
    runAll(agenda)
    return ran
  }
  expect(order(1)).toEqual(order(1))
  expect(order(1)).not.toEqual(order(2))
})

test('an event that was called off does not happen, and time does not go on to it', () => {
  const agenda = new Agenda(new Random(1))
  const ran: string[] = []
  const ticket = agenda.at(100, () => ran.push('called off'))
  agenda.at(10, () => ran.push('kept'))
  agenda.cancel(ticket)
  expect(runAll(agenda)).toEqual([10])
  expect(ran).toEqual(['kept'])
})

test('a ticket that was used calls nothing else off', () => {
  const agenda = new Agenda(new Random(1))
  const used = agenda.at(1, () => undefined)
  runAll(agenda)
  agenda.at(2, () => undefined)
  agenda.cancel(used)
  expect(runAll(agenda)).toEqual([2])
})

test('promises are followed to their end before the next event', async () => {
  const ran = await atTopOfTurn(() => {
    const agenda = new Agenda(new Random(1))
    const order: string[] = []
    agenda.at(1, () => {
      void Promise.resolve()
        .then(() => Promise.resolve())
        .then(() => order.push('promise'))
    })
    agenda.at(1.5, () => order.push('next event'))
    runAll(agenda)
    return order
  })
  expect(ran).toEqual(['promise', 'next event'])
})

test('a new beginning has nothing of the old', () => {
  const agenda = new Agenda(new Random(1))
  agenda.at(7, () => undefined)
  agenda.restart(new Random(2))
  expect(agenda.step()).toBe(false)
  expect(agenda.nowMs).toBe(0)
})
