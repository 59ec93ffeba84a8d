// Seeds that once broke a law. They are run for ever, each under the story of its bug.

import { readFileSync } from 'node:fs'
import { atTopOfTurn, installed, type SimulationOptions, simulate } from '@reprise/testkit/simulation'
import { expect, test } from 'vitest'

interface Remembered extends Pick<SimulationOptions, 'mode' | 'guarantee' | 'weather'> {
  readonly seed: number
  readonly story: string
}

const remembered = JSON.parse(readFileSync(new URL('seeds.json', import.meta.url), 'utf8')) as Remembered[]

test.each(remembered)('seed $seed: $story', async ({ seed, mode, guarantee, weather }) => {
  const { violations } = await atTopOfTurn(() => simulate(installed, seed, { mode, guarantee, weather }))
  expect(violations).toEqual([])
})
