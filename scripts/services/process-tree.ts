// Signals a server together with its children. Its process group does not suffice: each backend of PostgreSQL leads a
// group of its own, and goes on for a while when only the postmaster is killed.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export function childrenOf(pid: number): number[] {
  const numbers = (text: string) => text.split(/\s+/).filter(Boolean).map(Number)
  try {
    return numbers(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'))
  } catch {
    if (process.platform === 'linux') return []
    const pairs = execFileSync('ps', ['-A', '-o', 'pid=', '-o', 'ppid='], { encoding: 'utf8' }).split('\n').map(numbers)
    return pairs.flatMap(([child, parent]) => (parent === pid && child !== undefined ? [child] : []))
  }
}

/** Whether it still runs. A zombie doesn't: it has let go of its memory, files and ports. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    if (process.platform !== 'linux') return true
    const [state] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1) ?? ''
    return state !== 'Z' && state !== 'X'
  } catch {
    return false
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // Gone already.
  }
}

/** Signals the server and all its children, and says whom. The server is stopped first, lest it have more of them. */
function signalAll(pid: number, name: 'SIGKILL' | 'SIGSTOP'): number[] {
  signal(pid, 'SIGSTOP')
  const signalled = new Set<number>()
  for (;;) {
    const more = childrenOf(pid).filter((child) => !signalled.has(child))
    if (more.length === 0) break
    for (const child of more) {
      signal(child, name)
      signalled.add(child)
    }
  }
  signal(-pid, name)
  return [pid, ...signalled]
}

export function killAll(pid: number): number[] {
  return signalAll(pid, 'SIGKILL')
}

export function pauseAll(pid: number): void {
  signalAll(pid, 'SIGSTOP')
}

export function resumeAll(pid: number): void {
  for (const child of childrenOf(pid)) signal(child, 'SIGCONT')
  signal(-pid, 'SIGCONT')
}
