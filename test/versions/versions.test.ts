// What earlier builds have written down is read by this one: whatever a record was left as, a retry of its request gets
// what it has to get, byte for byte, and its handler runs only where nothing had happened.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ServiceName } from '../../scripts/services/catalogue.ts'
import { describeWith, sharedMariadb, sharedPostgres, sharedRedis } from '../services/services.ts'
import { type Place, type PlaceName, places } from './places.ts'
import { requests, serviceOn, type WrittenRequest } from './requests.ts'

interface WrittenAnswer {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

const servers: Readonly<Record<PlaceName, { service: ServiceName | undefined; url: () => Promise<string> }>> = {
  sqlite: { service: undefined, url: async () => '' },
  postgres: { service: 'postgres', url: async () => (await sharedPostgres()).url },
  mysql: { service: 'mariadb', url: async () => (await sharedMariadb()).url },
  redis: { service: 'redis', url: async () => (await sharedRedis()).url },
}
/** What is told of those that have no answer to repeat; where nothing had happened, the handler is asked again. */
const statuses = { expired: 410, unknown: 409, released: 503 }
const formats = readdirSync(import.meta.dirname).filter((name) => name.startsWith('format-'))
const cells = formats.flatMap((format) => (Object.keys(places) as PlaceName[]).map((name) => ({ format, name })))

test('every format that was ever written is here', () => {
  expect(formats).toContain('format-1')
})

for (const { format, name } of cells) {
  const { service, url } = servers[name]
  const describeHere = service === undefined ? describe : await describeWith(service)
  describeHere(`${format} in ${name}`, () => {
    const file = (of: string): string => readFileSync(join(import.meta.dirname, format, of), 'utf8')
    const answers = (JSON.parse(file('answers.json')) as Record<PlaceName, WrittenAnswer[]>)[name]
    let place: Place
    let written: ReturnType<typeof serviceOn>
    beforeAll(async () => {
      place = await places[name](await url(), `${format.replace('-', '')}_${process.pid}`)
      await place.restore(file(name === 'redis' ? 'redis.jsonl' : `${name}.sql`))
      const store = place.store()
      await store.migrate()
      written = serviceOn(store)
    })
    afterAll(async () => {
      await written.reprise.store.close()
      await place.dispose()
    })

    const cases = requests.map((request, n) => ({ title: `${request.left}: ${request.key}`, request, n }))
    test.for(cases)('$title', async ({ request, n }) => {
      const before = written.calls.length
      const otherwise: WrittenRequest = { ...request, body: `${request.body} `, target: `${request.target}/other` }
      expect((await written.send(otherwise)).status, 'another request under the key').toBe(422)

      const response = await written.send(request)
      const seen: WrittenAnswer = {
        status: response.status,
        headers: [...response.headers],
        body: Buffer.from(await response.arrayBuffer()).toString('base64'),
      }
      const first = answers[n] as WrittenAnswer
      const replayed = ['idempotent-replayed', 'true'] as const
      const replay = { ...first, headers: expect.arrayContaining([...first.headers, replayed]) }
      const told = request.left === 'completed' ? replay : { ...seen, status: statuses[request.left] }
      expect(seen).toEqual(told)
      expect(written.calls.length - before).toBe(request.left === 'released' ? 1 : 0)
    })

    test('an operator finds them by their state', async () => {
      for (const state of ['completed', 'released', 'unknown', 'expired'] as const) {
        const { items } = await written.reprise.list({ state })
        expect(items.map(({ name }) => name)).toEqual(
          requests.filter(({ left }) => left === state).map(() => 'written'),
        )
      }
    })
  })
}
