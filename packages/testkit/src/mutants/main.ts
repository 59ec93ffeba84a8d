/**
 * `npm run planted-bugs`: plants each bug in a copy of the build, looks for it in every way that could see it, and writes
 * docs/planted-bugs.md. With `--gate` each is looked for only in the way that has to find it, and the trials are printed
 * as JSON.
 */

import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { shareOut } from '../simulation/crew.ts'
import { historiesMax } from './hunt.ts'
import { harmless, mutants } from './index.ts'
import type { Finder, Mutant } from './mutant.ts'
import { table } from './table.ts'
import type { Trial, TrialJob } from './trial.ts'

/** Harmless changes are run for as long as most bugs would need many times over. */
const harmlessHistories = 2000
const page = 'docs/planted-bugs.md'

const { values } = parseArgs({
  options: { gate: { type: 'boolean', default: false }, only: { type: 'string', default: '' } },
})

const jobs: TrialJob[] = [
  ...mutants.flatMap((mutant) =>
    findersOf(mutant).map((by) => ({ name: mutant.name, by, histories: historiesFor(mutant, by) })),
  ),
  ...harmless.map(({ name }) => ({ name, by: 'simulation', histories: harmlessHistories }) as const),
].filter(({ name }) => name.includes(values.only))

const trials: Trial[] = []
await shareOut<TrialJob, Trial>(new URL('worker.js', import.meta.url), jobs.values(), (trial) => {
  trials.push(trial)
  if (!values.gate) process.stdout.write(`${lineOf(trial)}\n`)
  return true
})
if (values.gate) process.stdout.write(JSON.stringify(trials))
else if (values.only === '') await writeFile(page, table(mutants, harmless, trials))

function findersOf({ foundBy, edits }: Mutant): Finder[] {
  if (values.gate) return [foundBy]
  const rooms = new Set(edits.map(({ file }) => file.split('/')[0]))
  if (rooms.has('stores')) return ['conformance']
  return edits.every(({ file }) => file === 'engine/transitions.js')
    ? ['simulation', 'model', 'conformance']
    : ['simulation']
}

/** Where the simulation is not the one that has to find it, it does not look for ever. */
function historiesFor({ foundBy }: Mutant, by: Finder): number {
  return by === foundBy ? historiesMax : 5000
}

function lineOf(trial: Trial): string {
  const { name, by } = trial
  switch (trial.kind) {
    case 'found':
      return `found by ${by} after ${trial.found.after} (${trial.found.what}): ${name}`
    case 'missed':
      return `passed by ${by}: ${name}`
    case 'rotten':
      return `can't be planted: ${name}: ${trial.why}`
  }
}
