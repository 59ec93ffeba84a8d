/** The built ledger as processes of its own, as `npm start` and `npm run start:cluster` run it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { watch } from '../../../scripts/services/watchdog.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface LedgerProcess {
  readonly child: ChildProcess
  readonly exited: Promise<Exit>
  stdout(): string
  stderr(): string
  kill(signal: NodeJS.Signals): Promise<Exit>
}

export interface ServingLedger extends LedgerProcess {
  readonly url: string
  readonly port: number
}

/** Does nothing where the build is up to date. */
export async function buildLedger(): Promise<void> {
  const tsc = [join(root, 'node_modules/typescript/bin/tsc'), '-b', 'apps/ledger']
  await promisify(execFile)(process.execPath, tsc, { cwd: root }).catch((failure: { stdout: string }) => {
    // tsc says what is wrong on stdout, which the error itself leaves out.
    throw new Error(`The ledger can't be built.\n${failure.stdout}`)
  })
}

type Environment = Readonly<Record<string, string>>

export function runLedger(environment: Environment): LedgerProcess {
  return run(['main.js'], environment)
}

/** The primary process of a cluster. */
export function runCluster(environment: Environment, ...args: string[]): LedgerProcess {
  return run(['cluster/main.js', ...args], environment)
}

function run([script = '', ...args]: string[], environment: Environment): LedgerProcess {
  const child = spawn(process.execPath, [`apps/ledger/dist/${script}`, ...args], {
    cwd: root,
    // Nothing of the environment of the tests, so that they mean the same everywhere.
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { pid } = child
  if (pid !== undefined) {
    // It does not outlive the tests, however they end.
    watch.server(pid, 'SIGKILL')
    child.once('exit', () => watch.gone(pid))
  }
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text
    })
  }
  // `close` rather than `exit`: by then all that it said has been read.
  const exited = new Promise<Exit>((resolve) => child.on('close', (code, signal) => resolve({ code, signal })))
  return {
    child,
    exited,
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    kill: (signal) => {
      child.kill(signal)
      return exited
    },
  }
}

/** Resolves once it takes requests, on a port of its own. */
export function startLedger(environment: Environment): Promise<ServingLedger> {
  return serving(runLedger({ PORT: '0', ...environment }))
}

/** Resolves once all its processes take requests, on one port. */
export function startCluster(environment: Environment, processes: number): Promise<ServingLedger> {
  return serving(runCluster({ PORT: '0', ...environment }, '--processes', String(processes)))
}

async function serving(ledger: LedgerProcess): Promise<ServingLedger> {
  let dead = false
  void ledger.exited.then(() => {
    dead = true
  })
  for (;;) {
    const port = /listens at http:\/\/127\.0\.0\.1:(\d+)/.exec(ledger.stderr())?.[1]
    if (port !== undefined) return { ...ledger, port: Number(port), url: `http://127.0.0.1:${port}` }
    if (dead) throw new Error(`The ledger did not start: ${ledger.stderr()}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
