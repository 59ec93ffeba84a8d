// Writes down, once for each format of records, what this build leaves in each store and how it answered. What has been
// written is never written again: later builds have to read it.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startPrivateMariadb, startPrivatePostgres, startPrivateRedis } from '../../scripts/services.ts'
import { type PlaceName, places } from './places.ts'
import { requests, serviceOn } from './requests.ts'

const [version] = process.argv.slice(2)
if (!/^\d+$/.test(version ?? '')) throw new Error('Say which format of records this build writes, as in: 1')
const folder = join(import.meta.dirname, `format-${version}`)
if (existsSync(folder)) throw new Error(`${folder} is there: what has been written is kept as it is.`)

const servers = {
  postgres: await startPrivatePostgres(),
  mysql: await startPrivateMariadb(),
  redis: await startPrivateRedis(),
}
const written: Record<string, string> = {}
const all: Record<string, unknown[]> = {}
for (const name of Object.keys(places) as PlaceName[]) {
  const url = name === 'sqlite' ? '' : servers[name].url
  const place = await places[name](url, 'written')
  const store = place.store()
  await store.migrate()
  const { send, reprise } = serviceOn(store)
  const answers: unknown[] = []
  for (const request of requests) {
    const response = await send(request).catch((error: Error) => new Response(error.message, { status: 500 }))
    const body = Buffer.from(await response.arrayBuffer()).toString('base64')
    answers.push({ status: response.status, headers: [...response.headers], body })
  }
  await pause(1500)
  await reprise.sweep()
  await store.close()
  all[name] = answers
  written[name === 'redis' ? 'redis.jsonl' : `${name}.sql`] = await place.writeDown()
  await place.dispose()
}
written['answers.json'] = JSON.stringify(all, undefined, 2)
await Promise.all(Object.values(servers).map((server) => server.stop()))
mkdirSync(folder)
for (const [name, text] of Object.entries(written))
  writeFileSync(join(folder, name), text.endsWith('\n') ? text : `${text}\n`)
