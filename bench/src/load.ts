/** Load on one server for a while: `wrk` where the machine has it, `autocannon` elsewhere. */

import { execFile, execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import autocannon from 'autocannon'
import { connections, requestBody } from './workload.ts'

export interface Load {
  readonly port: number
  readonly seconds: number
  /** Starts every key. */
  readonly prefix: string
  /** How many keys to go round; 0 for a fresh one each time. */
  readonly keys: number
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

async function withWrk({ port, seconds, prefix, keys }: Load): Promise<Measured> {
  const url = `http://127.0.0.1:${port}`
  const flags = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url, '--', prefix, String(keys), requestBody]
  const { stdout } = await run('wrk', flags)
  const [, requests, durationUs, failed, p50] = /RESULT (\d+) (\d+) (\d+) (\d+)/.exec(stdout) ?? []
  if (requests === undefined || failed !== '0') throw new Error(`wrk reports failures:\n${stdout}`)
  return { perSecond: (Number(requests) / Number(durationUs)) * 1e6, p50Us: Number(p50) }
}

async function withAutocannon({ port, seconds, prefix, keys }: Load): Promise<Measured> {
  let sent = 0
  const result = await autocannon({
    url: `http://127.0.0.1:${port}`,
    connections,
    duration: seconds,
    requests: [
      {
        method: 'POST',
        path: '/orders',
        setupRequest: (request) => {
          sent++
          const headers = {
            'content-type': 'application/json',
            'x-tenant': 'bench',
            'idempotency-key': `${prefix}${keys > 0 ? sent % keys : sent}`,
          }
          return { ...request, headers, body: requestBody }
        },
      },
    ],
  })
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`autocannon reports ${result.non2xx} refusals.`)
  return { perSecond: result.requests.total / result.duration, p50Us: result.latency.p50 * 1000 }
}
