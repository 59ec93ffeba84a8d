import { expect, test } from 'vitest'
import { processesFrom } from './arguments.ts'

test('as many as are asked for, or as the machine has processors', () => {
  expect(processesFrom(['--processes', '4'])).toBe(4)
  expect(processesFrom(['--processes=1'])).toBe(1)
  expect(processesFrom([])).toBeGreaterThan(0)
})

test.for(['0', '65', '-1', '1.5', 'four', '', ' 4', '0x4'])('none: "%s"', (text) => {
  expect(() => processesFrom([`--processes=${text}`])).toThrow(/whole number from 1 to 64/)
})

test.for([['4'], ['--process', '4'], ['--processes']])('an argument that is not known is named: %o', (args) => {
  expect(() => processesFrom(args)).toThrow(/--process|argument/)
})
