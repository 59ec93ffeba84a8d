// Servers never outlive the process that started them. They are in sessions of their own, out of reach of Ctrl-C, so
// one small process watches over all of them: see watchdog.sh. It is the only way, and so the one that is tested.
import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'

let watchdog: ChildProcess | undefined

function tell(line: string): void {
  watchdog ??= startWatchdog()
  watchdog.stdin?.write(`${line}\n`)
}

function startWatchdog(): ChildProcess {
  const script = fileURLToPath(new URL('watchdog.sh', import.meta.url))
  const child = spawn('sh', [script], { cwd: '/', detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  // Neither keeps this process from ending.
  child.unref()
  ;(child.stdin as Socket).unref()
  return child
}

export const watch = {
  server(pid: number, signal: NodeJS.Signals): void {
    tell(`server ${pid}:${signal.replace('SIG', '')}`)
  },
  gone(pid: number): void {
    tell(`gone ${pid}`)
  },
  folder(path: string): void {
    tell(`folder ${path}`)
  },
}
