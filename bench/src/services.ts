/** The servers of a run: private ones, each started when it is first asked for, gone with the run. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export type Service = 'postgres' | 'redis'

export interface Services {
  urlOf(service: Service): Promise<string>
  stop(): Promise<void>
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const attached = fileURLToPath(new URL('./attached.js', import.meta.url))

export function privateServices(): Services {
  const children: ChildProcess[] = []
  const urls = new Map<Service, Promise<string>>()

  async function start(service: Service): Promise<string> {
    const command = [process.execPath, '--import', 'tsx', 'scripts/services.ts', service]
    const child = spawn(process.execPath, [attached, ...command], {
      cwd: root,
      // A server that the environment names is somebody's, with data and settings of theirs.
      env: { ...process.env, TEST_POSTGRES_URL: '', TEST_REDIS_URL: '' },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    children.push(child)
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
    const ended = once(lines, 'close').then((): never => {
      throw new Error(`There is no ${service}.`)
    })
    const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string]
    ended.catch(() => undefined)
    const url = /^export \w+='(.*)'$/.exec(line)?.[1]
    if (url === undefined) throw new Error(`The script that starts ${service} says: ${line}`)
    return url
  }

  return {
    urlOf(service) {
      const url = urls.get(service) ?? start(service)
      urls.set(service, url)
      return url
    },
    async stop() {
      await Promise.all(children.map(end))
    },
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.stdin?.end()
  await gone
}
