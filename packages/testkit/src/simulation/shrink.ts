/**
 * Takes faults away from a failing run, one after another, for as long as the same law still breaks. What is left is
 * what the failure needs, or near it: every change of the weather also changes what is drawn afterwards.
 */

import type { Law } from '../history/history.ts'
import type { Library } from './library.ts'
import { type SimulationOptions, type SimulationResult, simulate } from './simulate.ts'
import type { Weather } from './weather.ts'

export interface Shrunk {
  readonly result: SimulationResult
  /** What was taken away. */
  readonly without: readonly string[]
  /** Runs it in this form again. */
  readonly weather: Partial<Weather>
}

/** Fields that are numbers of faults, or their probability: zero of each is a milder run. */
const faults = [
  'crashes',
  'crashAtStep',
  'pauses',
  'partitions',
  'storePauses',
  'storeCrashes',
  'failovers',
  'nodeClocks',
  'storeClocks',
  'unreadable',
  'erasures',
  'conflict',
  'sweeps',
  'mismatches',
  'waitMs',
] as const satisfies readonly (keyof Weather)[]

const links = ['network', 'store', 'foreign', 'handler'] as const satisfies readonly (keyof Weather)[]
/** Of a link or a handler: how fast it is, and no fault. */
const measures = new Set(['latencyMs', 'lateMs', 'workMs', 'synchronous'])

/** Calls `simulate` again and again; to be called where it may be called. */
export function shrink(library: Library, failing: SimulationResult, options: SimulationOptions): Shrunk | undefined {
  const law = failing.violations[0]?.law
  if (law === undefined) return undefined
  let weather: Partial<Weather> = {}
  let result = failing
  const without: string[] = []
  const attempt = (name: string, change: Partial<Weather>): void => {
    const next = simulate(library, failing.seed, { ...options, weather: { ...weather, ...change } })
    if (!breaks(next, law)) return
    weather = { ...weather, ...change }
    result = next
    without.push(name)
  }
  for (const link of links) {
    for (const [name, value] of Object.entries(result.weather[link])) {
      if (value === 0 || measures.has(name)) continue
      attempt(`${link}.${name}`, { [link]: { ...result.weather[link], [name]: 0 } } as Partial<Weather>)
    }
  }
  for (const fault of faults) if (result.weather[fault] !== 0) attempt(fault, { [fault]: 0 } as Partial<Weather>)
  for (const fewer of ['operations', 'clientsPerOperation', 'nodes'] as const) {
    if (result.weather[fewer] > 1) attempt(`more than one of ${fewer}`, { [fewer]: 1 } as Partial<Weather>)
  }
  if (result.weather.twoPrincipals) attempt('a second principal', { twoPrincipals: false })
  return { result, without, weather }
}

function breaks({ violations }: SimulationResult, law: Law): boolean {
  return violations.some((violation) => violation.law === law)
}
