/** A contender at work, in a process of its own. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface Running {
  readonly name: string
  readonly port: number
  stop(): Promise<void>
}

const server = fileURLToPath(new URL('./server.js', import.meta.url))

/** `profiles` is a folder into which the process writes what it spent its CPU on. */
export async function start(name: string, place: string, profiles?: string): Promise<Running> {
  // What peers call that they should not is theirs to hear.
  const flags = ['--no-deprecation', ...(profiles === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profiles])]
  const child = spawn(process.execPath, [...flags, server, name, place], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  const exited = once(child, 'exit').then((): never => {
    throw new Error(`The contender ${name} ended before it listened.`)
  })
  const [line] = (await Promise.race([once(lines, 'line'), exited])) as [string]
  exited.catch(() => undefined)
  return {
    name,
    port: Number(line),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.stdin.end()
      await gone
    },
  }
}
