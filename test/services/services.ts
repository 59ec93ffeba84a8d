// Real servers for tests. One server of a kind serves the whole run, whichever test asks first: keep to tables, keys
// and databases of your own. A test that kills or freezes a server starts its own: scripts/services.ts.
//
//   const describePostgres = await describeWith('postgres')
//   describePostgres('the store on PostgreSQL', () => {
//     let url: string
//     beforeAll(async () => {
//       url = (await sharedPostgres()).url
//     })
//   })
import { get } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, inject, test } from 'vitest'
import type { ServiceName } from '../../scripts/services/catalogue.ts'
import type { Answer, Question } from './global-setup.ts'

export interface SharedServer {
  readonly url: string
}

export const sharedPostgres = (): Promise<SharedServer> => shared('postgres')
export const sharedRedis = (): Promise<SharedServer> => shared('redis')
/** The URLs of its nodes, with commas between. */
export const sharedRedisCluster = (): Promise<SharedServer> => shared('redis-cluster')
export const sharedMariadb = (): Promise<SharedServer> => shared('mariadb')
/** In transaction mode, in front of the shared PostgreSQL. */
export const sharedPgbouncer = (): Promise<SharedServer> => shared('pgbouncer')

async function shared(name: ServiceName): Promise<SharedServer> {
  const { url, error } = await ask('url', name)
  if (url === undefined) throw new Error(`No shared ${name}: ${error}`)
  return { url }
}

/** Why a server can't be had on this machine, or undefined when it can. Await it while tests are collected. */
export async function objectionTo(name: ServiceName): Promise<string | undefined> {
  const { objection, error } = await ask('objection', name)
  return objection ?? error
}

type Describe = (title: string, body: () => void) => void

/**
 * `describe` for tests that need these servers. Where one can't be had the tests are skipped, loudly; in CI, where
 * nobody would hear, they fail.
 */
export async function describeWith(...names: ServiceName[]): Promise<Describe> {
  const objections = await Promise.all(names.map(objectionTo))
  const missing = names.flatMap((name, index) => (objections[index] ? [`no ${name}: ${objections[index]}`] : []))
  if (missing.length === 0) return describe

  const complaint = missing.join('\n')
  if (process.env.CI) return failing(describe, complaint)
  console.error(`\nSKIPPED TESTS: ${complaint}\n`)
  return describe.skip
}

function failing(ordinary: Describe, complaint: string): Describe {
  return (title) =>
    ordinary(title, () => {
      test('has the servers it needs', () => {
        throw new Error(complaint)
      })
    })
}

function ask(question: Question, name: ServiceName): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get(
      { socketPath: inject('servicesSocket'), path: `/${question}/${name}`, agent: false },
      (response) => {
        text(response).then((answer) => resolve(JSON.parse(answer) as Answer), reject)
      },
    )
    request.once('error', reject)
  })
}
