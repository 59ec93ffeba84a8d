// Several processes of one service, which can be killed and frozen; each that dies is replaced at once.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ServiceTerms } from './service.ts'

export interface Fleet {
  /** Where one of those that serve, or are frozen, can be reached. */
  urls(): readonly string[]
  /** kill -9 of the n-th that serves; another takes its place. */
  kill(n: number): Promise<void>
  /** Freezes the n-th that serves for a while. */
  pause(n: number, forMs: number): Promise<void>
  /** Resolves when all serve. */
  whole(): Promise<void>
  stop(): Promise<void>
}

interface Slot {
  child: ChildProcess | undefined
  url: string | undefined
}

const script = fileURLToPath(new URL('service.ts', import.meta.url))
const root = fileURLToPath(new URL('../..', import.meta.url))
const READY_WITHIN_MS = 60_000

export async function startFleet(size: number, termsOf: (slot: number) => ServiceTerms): Promise<Fleet> {
  const slots: Slot[] = Array.from({ length: size }, () => ({ child: undefined, url: undefined }))
  let stopped = false
  let broken: Error | undefined

  function start(index: number): void {
    const slot = slots[index] as Slot
    const flags = ['--import', 'tsx', '--conditions=source', script, JSON.stringify(termsOf(index))]
    const child = spawn(process.execPath, flags, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    slot.child = child
    let complaints = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaints = (complaints + text).slice(-4000)
    })
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const port = /listening on (\d+)/.exec(text)?.[1]
      if (port !== undefined) slot.url = `http://127.0.0.1:${port}`
    })
    child.once('exit', (code, signal) => {
      slot.url = undefined
      if (stopped) return
      // Only ever killed by us: a process that ends by itself has met an error that nobody caught.
      if (signal !== 'SIGKILL') broken = new Error(`A service ended by itself (${code ?? signal}): ${complaints}`)
      else start(index)
    })
  }

  const serving = (): Slot[] => slots.filter(({ url }) => url !== undefined)
  const nth = (n: number): ChildProcess | undefined => serving().at(n % Math.max(1, serving().length))?.child

  const fleet: Fleet = {
    urls() {
      if (broken !== undefined) throw broken
      return serving().map(({ url }) => url as string)
    },
    async kill(n) {
      const child = nth(n)
      if (child === undefined) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
    async pause(n, forMs) {
      const child = nth(n)
      child?.kill('SIGSTOP')
      await sleep(forMs)
      child?.kill('SIGCONT')
    },
    async whole() {
      for (const deadline = performance.now() + READY_WITHIN_MS; fleet.urls().length < size; await sleep(10)) {
        if (performance.now() > deadline) throw new Error(`The services did not all serve in ${READY_WITHIN_MS} ms.`)
      }
    },
    async stop() {
      stopped = true
      for (const { child } of slots) {
        if (child === undefined || child.exitCode !== null || child.signalCode !== null) continue
        const gone = once(child, 'exit')
        child.kill('SIGKILL')
        await gone
      }
    },
  }
  slots.forEach((_, index) => {
    start(index)
  })
  try {
    await fleet.whole()
  } catch (error) {
    await fleet.stop()
    throw error
  }
  return fleet
}
