/** Runs many seeds one after another, and keeps what is worth telling of them. */

import type { Violation } from '../history/history.ts'
import { installed } from './library.ts'
import { type SimulationOptions, simulate } from './simulate.ts'
import { type Counts, noCounts } from './sometimes.ts'

/** Seeds from `from` on, in one mode and of one guarantee. */
export interface BatchJob extends Pick<SimulationOptions, 'mode' | 'guarantee' | 'calm'> {
  readonly from: number
  readonly seeds: number
}

export interface Batch {
  readonly job: BatchJob
  readonly histories: number
  readonly events: number
  readonly steps: number
  readonly counts: Counts
  readonly failures: readonly { readonly seed: number; readonly violations: readonly Violation[] }[]
}

export function runBatch(job: BatchJob): Batch {
  const counts = noCounts()
  const failures: Batch['failures'][number][] = []
  let events = 0
  let steps = 0
  for (let seed = job.from; seed < job.from + job.seeds; seed++) {
    const result = simulate(installed, seed, { mode: job.mode, guarantee: job.guarantee, calm: job.calm, counts })
    events += result.history.events.length
    steps += result.steps
    if (result.violations.length > 0) failures.push({ seed, violations: result.violations })
  }
  return { job, histories: job.seeds, events, steps, counts, failures }
}
