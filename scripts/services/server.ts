// A private server: a process, a folder, a port, and what a test may do to them.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Account, giveTo } from './account.ts'
import { isRunning, killAll, pauseAll, resumeAll } from './process-tree.ts'
import { until } from './until.ts'
import { watch } from './watchdog.ts'

export interface Server {
  readonly name: string
  readonly url: string
  readonly port: number
  readonly folder: string
  /** Changes at a restart; undefined while the server is down. */
  readonly pid: number | undefined
  /** kill -9 of the server and all its children. The folder stays. */
  kill(): Promise<void>
  /** Ends the server in good order. The folder stays. */
  halt(): Promise<void>
  /** Starts it again on the same port and folder, after `kill`, `halt` or on its own; resolves when it answers. */
  restart(): Promise<void>
  /** Freezes all its processes: connections stay open, and nothing answers. */
  pause(): void
  resume(): void
  /** Ends it for good and removes the folder. */
  stop(): Promise<void>
}

export interface ServerPlan {
  readonly name: string
  readonly url: string
  readonly port: number
  readonly home: Home
  readonly account: Account
  readonly program: string
  readonly args: readonly string[]
  /** Ends it in good order, whoever is connected. */
  readonly haltSignal: NodeJS.Signals
  /** Ends it at once, and leaves nothing outside its folder. */
  readonly stopSignal: NodeJS.Signals
  /** Whether it answers. May throw as long as it doesn't. */
  readonly ready: () => Promise<boolean>
}

export interface Home {
  readonly path: string
  /** Removed with the server; a folder that the caller brought stays the caller's. */
  readonly temporary: boolean
}

export async function makeHome(name: string, account: Account, folder?: string): Promise<Home> {
  if (folder !== undefined) await mkdir(folder, { recursive: true })
  const path = folder ?? (await mkdtemp(join(tmpdir(), `reprise-${name}-`)))
  if (folder === undefined) watch.folder(path)
  await giveTo(account, path)
  return { path, temporary: folder === undefined }
}

const READY_WITHIN_MS = 60_000
const ENDED_WITHIN_MS = 10_000

// The caller's settings, such as PGHOST or a locale, must not reach the server.
const environment = (home: Home) => ({ PATH: process.env.PATH, HOME: home.path, TMPDIR: home.path, LC_ALL: 'C' })

function spawnIn(home: Home, account: Account, program: string, args: readonly string[], signal: NodeJS.Signals) {
  const log = openSync(join(home.path, 'log'), 'a')
  const child = spawn(program, args, {
    ...account,
    cwd: home.path,
    env: environment(home),
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  child.unref()
  const { pid } = child
  if (pid !== undefined) {
    watch.server(pid, signal)
    child.once('exit', () => watch.gone(pid))
  }
  return child
}

async function failure(what: string, home: Home): Promise<Error> {
  const log = await readFile(join(home.path, 'log'), 'utf8').catch(() => '')
  return new Error(`${what}. The end of its log:\n${log.split('\n').slice(-20).join('\n')}`)
}

/** Runs a program that prepares the folder. */
export async function prepare(home: Home, account: Account, program: string, args: readonly string[]): Promise<void> {
  const child = spawnIn(home, account, program, args, 'SIGKILL')
  child.ref()
  const [code, signal] = await once(child, 'exit')
  if (code !== 0) throw await failure(`${program} ended with ${code ?? signal}`, home)
}

export async function startServer(plan: ServerPlan): Promise<Server> {
  const { name, url, port, home } = plan
  let child: ChildProcess | undefined
  let stopped = false

  const hasEnded = () => child === undefined || child.exitCode !== null || child.signalCode !== null
  const pid = () => (hasEnded() ? undefined : child?.pid)

  async function start(): Promise<void> {
    if (stopped) throw new Error(`${name} was stopped, and its folder is gone: start another`)
    if (!hasEnded()) await halt()
    child = spawnIn(home, plan.account, plan.program, plan.args, plan.stopSignal)
    let broken: Error | undefined
    child.once('error', (error) => {
      broken = error
    })
    const answers = () => broken !== undefined || hasEnded() || plan.ready().catch(() => false)
    const answered = await until(answers, READY_WITHIN_MS)
    if (broken !== undefined) throw broken
    if (hasEnded()) throw await failure(`${name} ended with ${child.exitCode ?? child.signalCode}`, home)
    if (!answered) {
      await kill()
      throw await failure(`${name} did not answer within ${READY_WITHIN_MS} ms`, home)
    }
  }

  async function kill(): Promise<void> {
    const running = pid()
    if (running === undefined) return
    const killed = killAll(running)
    if (await until(() => hasEnded() && !killed.some(isRunning), ENDED_WITHIN_MS)) return
    throw new Error(`${name} survives kill -9: processes ${killed.filter(isRunning).join(', ')}`)
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const running = pid()
    if (running === undefined) return
    resumeAll(running)
    child?.kill(signal)
    if (!(await until(hasEnded, ENDED_WITHIN_MS))) await kill()
  }

  const halt = () => end(plan.haltSignal)

  const server: Server = {
    name,
    url,
    port,
    folder: home.path,
    get pid() {
      return pid()
    },
    kill,
    halt,
    restart: start,
    pause() {
      const running = pid()
      if (running !== undefined) pauseAll(running)
    },
    resume() {
      const running = pid()
      if (running !== undefined) resumeAll(running)
    },
    async stop() {
      stopped = true
      await end(plan.stopSignal)
      if (home.temporary) await rm(home.path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
    },
  }

  try {
    await start()
  } catch (error) {
    await server.stop()
    throw error
  }
  return server
}
