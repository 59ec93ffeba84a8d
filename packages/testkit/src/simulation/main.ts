/**
 * `npm run simulate`: runs seeds on every core, and says what was met and what broke. A seed that fails is printed with
 * the command that shows it; `--seed` runs one and prints its timeline.
 */

import { relative } from 'node:path'
import { parseArgs } from 'node:util'
import type { Guarantee } from 'reprise'
import { timeline } from '../history/timeline.ts'
import type { Batch, BatchJob } from './batch.ts'
import { shareOut } from './crew.ts'
import { atTopOfTurn } from './drain.ts'
import { installed } from './library.ts'
import { shrink } from './shrink.ts'
import { type SimulationOptions, simulate } from './simulate.ts'
import { addCounts, noCounts, type Sometimes } from './sometimes.ts'

const usage = `npm run simulate -- [options]
  --seeds N        how many seeds, per mode and guarantee (10,000 unless told)
  --minutes M      for how long instead
  --from N         the first seed (1)
  --mode M         engine, http, or both (both)
  --guarantee G    transactional, resumable, guarded, or all (all)
  --workers N      worker threads (one per core)
  --seed S         one seed, as a timeline; with --mode and --guarantee
  --operation O    only what concerns this operation, such as a/b0
  --shrink         take away what the failure does not need`

const guarantees: readonly Guarantee[] = ['transactional', 'resumable', 'guarded']
const modes = ['engine', 'http'] as const
const seedsPerJob = 250

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    minutes: { type: 'string' },
    from: { type: 'string', default: '1' },
    mode: { type: 'string' },
    guarantee: { type: 'string' },
    workers: { type: 'string' },
    seed: { type: 'string' },
    operation: { type: 'string' },
    shrink: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

/** Without the build that `npm run` makes first: one seed then takes a fraction of a second. */
const thisCommand = `node ${relative(process.cwd(), process.argv[1] ?? '')}`
const say = (text: string): boolean => process.stdout.write(`${text}\n`)
const wantedModes = modes.filter((mode) => values.mode === undefined || values.mode === mode || values.mode === 'both')
const wantedGuarantees = guarantees.filter(
  (guarantee) => values.guarantee === undefined || values.guarantee === guarantee || values.guarantee === 'all',
)

if (values.help || wantedModes.length === 0 || wantedGuarantees.length === 0) say(usage)
else if (values.seed !== undefined) process.exitCode = (await atTopOfTurn(() => showOne(Number(values.seed)))) ? 0 : 1
else process.exitCode = (await runMany()) ? 0 : 1

/** One seed; true if nothing broke. */
function showOne(seed: number): boolean {
  const options: SimulationOptions = {
    mode: wantedModes[0],
    guarantee: values.guarantee === undefined ? undefined : wantedGuarantees[0],
    notes: true,
  }
  let result = simulate(installed, seed, options)
  const shrunk = values.shrink ? shrink(installed, result, options) : undefined
  if (shrunk !== undefined) {
    result = shrunk.result
    say(`It breaks as well without: ${shrunk.without.join(', ')}.\n`)
  }
  say(timeline(result.history, result.violations, values.operation))
  if (result.violations.length === 0) say(`seed ${seed}: every law holds`)
  return result.violations.length === 0
}

async function runMany(): Promise<boolean> {
  const startedAt = performance.now()
  const processorAt = process.cpuUsage()
  const counts = noCounts()
  const totals = { histories: 0, events: 0, steps: 0, failures: 0 }
  const untilMs = values.minutes === undefined ? undefined : startedAt + Number(values.minutes) * 60_000
  const jobs = jobsUntil(untilMs, untilMs === undefined ? Number(values.seeds) : Number.POSITIVE_INFINITY)
  const add = (batch: Batch): boolean => {
    totals.histories += batch.histories
    totals.events += batch.events
    totals.steps += batch.steps
    addCounts(counts, batch.counts)
    for (const { seed, violations } of batch.failures) {
      if (totals.failures++ >= 10) continue
      const [first] = violations
      say(`${first?.law} broken by seed ${seed} for ${first?.operation}: ${first?.story}`)
      say(`  ${thisCommand} --seed ${seed} --mode ${batch.job.mode} --guarantee ${batch.job.guarantee}`)
    }
    return totals.failures < 10
  }
  const script = new URL(import.meta.url.endsWith('.ts') ? 'worker.ts' : 'worker.js', import.meta.url)
  await shareOut<BatchJob, Batch>(script, jobs, add, values.workers === undefined ? undefined : Number(values.workers))

  const seconds = (performance.now() - startedAt) / 1000
  const processorSeconds = process.cpuUsage(processorAt).user / 1e6
  const perMinute = (per: number): string => Math.round((totals.histories / per) * 60).toLocaleString('en')
  for (const [name, times] of Object.entries(counts)) say(`${times.toLocaleString('en').padStart(14)}  ${name}`)
  say(`${totals.histories.toLocaleString('en')} histories in ${seconds.toFixed(1)} s: ${perMinute(seconds)} a minute,`)
  say(
    `  ${perMinute(processorSeconds)} per minute of one core; ${(totals.steps / totals.histories).toFixed(0)} steps each`,
  )
  const never = (Object.keys(counts) as Sometimes[]).filter((name) => counts[name] === 0)
  if (never.length > 0) say(`NEVER MET: ${never.join('; ')}`)
  say(totals.failures === 0 ? 'every law holds in every one' : `${totals.failures} histories break a law`)
  return totals.failures === 0
}

function* jobsUntil(untilMs: number | undefined, seeds: number): Generator<BatchJob> {
  const from = Number(values.from)
  for (let done = 0; done < seeds; done += seedsPerJob) {
    for (const mode of wantedModes) {
      for (const guarantee of wantedGuarantees) {
        if (untilMs !== undefined && performance.now() > untilMs) return
        yield { from: from + done, seeds: Math.min(seedsPerJob, seeds - done), mode, guarantee }
      }
    }
  }
}
