// The effect is outside the store, at a witness that counts every execution; the guard is a record in Redis.
import { randomUUID } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { createReprise, NotApplied, reply } from 'reprise'
import { idempotent } from 'reprise/node'
import { type RedisClient, redis } from 'reprise/redis'
import { request } from 'undici'
import type { Chance } from './chance.ts'
import { migrated } from './migrated.ts'
import type { ServiceTerms } from './service.ts'

export async function ordersOnRedis(terms: ServiceTerms, chance: Chance): Promise<RequestListener> {
  const client = await connected(terms)
  const store = redis({ client, ...(terms.everysec ? { acceptLoss: 'last-seconds' as const } : {}) })
  await migrated(store)
  const reprise = createReprise({ store, principal: () => 'p', replayCacheBytes: terms.replayCacheBytes })
  const common = { guarantee: 'guarded', lease: terms.leaseMs, onConcurrent: { waitUpTo: 300 } } as const

  async function effect(key: string): Promise<void> {
    if (chance.happens(0.5)) await sleep(chance.between(0, 20))
    const { body } = await request(`${terms.witness}/${key}`, { method: 'POST' })
    await body.dump()
    if (chance.happens(0.5)) await sleep(chance.between(0, 20))
  }
  const orders = idempotent(reprise, { ...common, name: 'order' }, async ({ key }) => {
    await effect(key)
    return reply(201, { operation: key, receipt: randomUUID() })
  })
  const payments = idempotent(reprise, { ...common, name: 'payment', commitPoint: 'named' }, async (attempt) => {
    if (chance.happens(0.5)) await sleep(chance.between(0, 20))
    if (chance.happens(0.05)) throw new NotApplied('Out of paper.')
    await attempt.commitPoint()
    await effect(attempt.key)
    return reply(201, { operation: attempt.key, receipt: randomUUID() })
  })
  return (incoming, response) => (incoming.url === '/payments' ? payments : orders)(incoming, response)
}

async function connected({ client, url }: ServiceTerms): Promise<RedisClient> {
  // Without a listener their errors would end the process; the store is told of them by the steps that fail.
  const deaf = (): void => undefined
  if (client === 'ioredis') return new Redis(url).on('error', deaf)
  return createClient({ url }).on('error', deaf).connect()
}
