/** Two contenders, measured in turns (A B A B …), because only figures of the same minutes can be compared. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { load } from './load.ts'
import { knownKeys } from './workload.ts'

export interface Contest {
  readonly id: string
  readonly what: string
  readonly a: string
  readonly b: string
  readonly replay: boolean
  readonly target: number
}

export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

export interface Verdict {
  readonly contest: Contest
  readonly a: Spread
  readonly b: Spread
  readonly ratio: Spread
}

interface Running {
  readonly port: number
  stop(): Promise<void>
}

/** Runs `rounds` rounds of `seconds` each per contender, after one to warm up. */
export async function hold(contest: Contest, rounds: number, seconds: number): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), 'reprise-bench-'))
  const a = await start(contest.a, join(folder, 'a.db'))
  const b = await start(contest.b, join(folder, 'b.db'))
  try {
    const keys = contest.replay ? knownKeys : 0
    const figures: { a: number; b: number }[] = []
    for (let round = 0; round <= rounds; round++) {
      const prefix = contest.replay ? 'known-' : `r${round}-`
      const one = await load({ port: a.port, seconds, prefix, keys })
      const other = await load({ port: b.port, seconds, prefix, keys })
      if (round > 0) figures.push({ a: one.perSecond, b: other.perSecond })
    }
    return {
      contest,
      a: spread(figures.map((figure) => figure.a)),
      b: spread(figures.map((figure) => figure.b)),
      ratio: spread(figures.map((figure) => figure.a / figure.b)),
    }
  } finally {
    await a.stop()
    await b.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((x, y) => x - y)
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN
  return { min: at(0), median: at(0.5), max: at(1) }
}

async function start(name: string, file: string): Promise<Running> {
  const server = fileURLToPath(new URL('./server.js', import.meta.url))
  const child: ChildProcess = spawn(process.execPath, [server, name, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  const exited = once(child, 'exit').then(() => {
    throw new Error(`The contender ${name} ended before it listened.`)
  })
  const [line] = (await Promise.race([once(lines, 'line'), exited])) as [string]
  exited.catch(() => undefined)
  return {
    port: Number(line),
    stop: async () => {
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
    },
  }
}
