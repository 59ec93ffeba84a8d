/**
 * G1: what an answer takes where many records are kept, against the same where there are few. Load is moderate, so that
 * it is the store that is measured and not a queue before it, and replays are of any key, with no replay cache.
 */

import { execFile } from 'node:child_process'
import { statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { contenderNamed } from '../contenders.ts'
import type { Pace } from '../contest.ts'
import { homesOn } from '../homes.ts'
import { load } from '../load.ts'
import { type Running, start } from '../running.ts'
import type { Services } from '../services.ts'
import { type Spread, spread } from '../spread.ts'
import { order, verify } from '../verify.ts'
import { freshKeys, type Keys, knownAllOver, knownPrefix } from '../workload.ts'

export interface Growth {
  readonly what: string
  readonly store: 'sqlite' | 'postgres'
}

export const growths: readonly Growth[] = [
  { what: 'SQLite', store: 'sqlite' },
  { what: 'PostgreSQL', store: 'postgres' },
]

export interface Grown {
  readonly what: string
  /** Microseconds at the median. */
  readonly many: Spread
  readonly few: Spread
  readonly ratio: Spread
}

/** A thousandth; not so few that a quick run would ask for one and the same. */
export function fewOf(records: number): number {
  return Math.max(20, Math.round(records / 1000))
}

/** About 600 requests a second, well below what either store can do on two cores. */
const moderate = { connections: 16, pauseMs: 25 }

const run = promisify(execFile)
const filler = fileURLToPath(new URL('./fill.js', import.meta.url))

export async function grow({ what, store }: Growth, services: Services, pace: Pace, records: number): Promise<Grown[]> {
  requireSpace(records)
  const homes = homesOn(services)
  const name = `reprise-${store}-uncached`
  const running: Running[] = []
  const few = fewOf(records)
  const sides = [
    { records, first: [] as number[], replay: [] as number[] },
    { records: few, first: [] as number[], replay: [] as number[] },
  ] as const
  try {
    for (const side of sides) {
      const place = await homes.open(contenderNamed(name).home)
      // The contender makes its tables and writes one row; the others are made of that.
      const writer = await start(name, place)
      await order(writer.port, `${knownPrefix}0`)
      await writer.stop()
      await run(process.execPath, [filler, store, place, `${side.records}`])
      const contender = await start(name, place, pace.profiles)
      running.push(contender)
      await verify(contender)
      await requireKnown(contender, side.records)
    }
    for (let round = pace.warmUp ? 0 : 1; round <= pace.rounds; round++) {
      for (const [n, side] of sides.entries()) {
        const { port } = running[n] as Running
        const p50 = async (keys: Keys): Promise<number> =>
          (await load({ port, seconds: pace.seconds, keys, moderate })).p50Us
        const first = await p50(freshKeys())
        const replay = await p50(knownAllOver(side.records))
        if (round === 0) continue
        side.first.push(first)
        side.replay.push(replay)
      }
    }
    const [large, small] = sides
    return (['first', 'replay'] as const).map((call) => ({
      what: `${what}, ${call === 'first' ? 'first call' : 'replay without the replay cache'}`,
      many: spread(large[call]),
      few: spread(small[call]),
      ratio: spread(large[call].map((us, round) => us / (small[call][round] ?? 0))),
    }))
  } finally {
    for (const contender of running) await contender.stop()
    await homes.close()
  }
}

/** A row with its indexes, and as much again for logs of the server and what is written while it is measured. */
const bytesPerRecord = 1200

function requireSpace(records: number): void {
  const { bavail, bsize } = statfsSync(tmpdir())
  if (bavail * bsize > records * bytesPerRecord) return
  const gigabytes = Math.ceil((records * bytesPerRecord) / 1e9)
  throw new Error(
    `G1 needs ${gigabytes} GB in ${tmpdir()} for ${records} records: name another TMPDIR, or fewer --records.`,
  )
}

/** What was filled in has to be what the store would have written: it replays it. */
async function requireKnown({ name, port }: Running, records: number): Promise<void> {
  for (const n of new Set([1, Math.floor(records / 2), records - 1])) {
    const { id } = await order(port, `${knownPrefix}${n}`)
    if (id !== `${n}`) throw new Error(`${name} does not know the record ${n} of ${records}.`)
  }
}
