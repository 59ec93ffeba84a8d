// Gives test workers a way to ask for a server that the whole run shares. Nothing starts before somebody asks.
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import type { ServiceName } from '../../scripts/services/catalogue.ts'
import type { SharedServers } from '../../scripts/services/shared.ts'
import { watch } from '../../scripts/services/watchdog.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The socket on which the main process answers. */
    readonly servicesSocket: string
  }
}

/** What a worker asks: `objection` says why a server can't be had, if it can't; `url` starts it. */
export type Question = 'objection' | 'url'
export interface Answer {
  readonly objection?: string | undefined
  readonly url?: string
  readonly error?: string
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-tests-'))
  watch.folder(folder)
  const socket = join(folder, 'services')
  let servers: SharedServers | undefined

  async function answer(question: Question, name: ServiceName): Promise<Answer> {
    switch (question) {
      case 'objection': {
        const { objectionTo } = await import('../../scripts/services/binaries.ts')
        return { objection: await objectionTo(name) }
      }
      case 'url': {
        // Loads the drivers, which most runs of a single test don't need.
        const { shareServers } = await import('../../scripts/services/shared.ts')
        servers ??= shareServers()
        return { url: await servers.urlOf(name) }
      }
    }
  }

  const control = createServer((request, response) => {
    const [, question, name] = (request.url ?? '').split('/')
    answer(question as Question, name as ServiceName)
      .catch(
        (error: unknown): Answer => ({ error: error instanceof Error ? (error.stack ?? error.message) : 'unknown' }),
      )
      .then((said) => response.end(JSON.stringify(said)))
      .catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => control.once('error', reject).listen(socket, resolve))
  // A watcher that is told to quit need not wait for questions.
  control.unref()
  project.provide('servicesSocket', socket)

  return async () => {
    control.close()
    control.closeAllConnections()
    await servers?.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
