/** Load on one server for a while: `wrk` where the machine has it, `autocannon` elsewhere. */

import { execFile, execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import autocannon from 'autocannon'
import { connections, headersWith, type Keys, keyOf, requestBody, tenant } from './workload.ts'

export interface Load {
  readonly port: number
  readonly seconds: number
  readonly keys: Keys
  /** Below saturation: fewer connections, each of which rests between an answer and its next request. */
  readonly moderate?: { readonly connections: number; readonly pauseMs: number }
}

export interface Measured {
  readonly perSecond: number
  readonly p50Us: number
}

const hasWrk = (() => {
  try {
    execFileSync('wrk', ['-v'], { stdio: 'ignore' })
    return true
  } catch (error) {
    // `wrk -v` prints its version and exits with 1.
    return (error as { status?: number }).status === 1
  }
})()

export const generator: string = hasWrk ? 'wrk' : 'autocannon'

/** Throws where any request failed or was refused: a contender that answers errors quickly has not won. */
export async function load(options: Load): Promise<Measured> {
  return hasWrk ? withWrk(options) : withAutocannon(options)
}

const run = promisify(execFile)
const script = fileURLToPath(new URL('../src/orders.lua', import.meta.url))

async function withWrk({ port, seconds, keys, moderate }: Load): Promise<Measured> {
  const flags = ['-t1', `-c${moderate?.connections ?? connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', script]
  const known = keys.kind === 'known' ? [keys.count, keys.start, keys.stride] : [0, 0, 0]
  const told = [requestBody, tenant, keys.prefix, ...known, moderate?.pauseMs ?? 0].map(String)
  const { stdout } = await run('wrk', [...flags, `http://127.0.0.1:${port}`, '--', ...told])
  const [, requests, durationUs, failed, p50] = /RESULT (\d+) (\d+) (\d+) (\d+)/.exec(stdout) ?? []
  if (requests === undefined || failed !== '0') throw new Error(`wrk reports failures:\n${stdout}`)
  return { perSecond: (Number(requests) / Number(durationUs)) * 1e6, p50Us: Number(p50) }
}

/** Its latencies are whole milliseconds, too coarse for G1. */
async function withAutocannon({ port, seconds, keys, moderate }: Load): Promise<Measured> {
  let sent = 0
  const result = await autocannon({
    url: `http://127.0.0.1:${port}`,
    connections: moderate?.connections ?? connections,
    duration: seconds,
    ...(moderate === undefined ? {} : { overallRate: (1000 / moderate.pauseMs) * moderate.connections }),
    requests: [
      {
        method: 'POST',
        path: '/orders',
        setupRequest: (request) => ({ ...request, headers: headersWith(keyOf(keys, ++sent)), body: requestBody }),
      },
    ],
  })
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`autocannon reports ${result.non2xx} refusals.`)
  return { perSecond: result.requests.total / result.duration, p50Us: result.latency.p50 * 1000 }
}
