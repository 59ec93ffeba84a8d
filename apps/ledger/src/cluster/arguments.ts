/** The command line of a cluster. */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'

const PROCESSES_MAX = 64

/** As many as the machine has processors, unless told. Throws a sentence. */
export function processesFrom(args: readonly string[]): number {
  const { values } = parseArgs({ args: [...args], options: { processes: { type: 'string' } } })
  if (values.processes === undefined) return Math.min(availableParallelism(), PROCESSES_MAX)
  const count = Number(values.processes)
  if (!/^\d{1,2}$/.test(values.processes) || count < 1 || count > PROCESSES_MAX) {
    throw new Error(`--processes takes a whole number from 1 to ${PROCESSES_MAX}.`)
  }
  return count
}
