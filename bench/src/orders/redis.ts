/** The effect on Redis: one entry at the end of a list, whose length is its id. */

import { Redis as Ioredis } from 'ioredis'
import { createClient } from 'redis'
import type { RedisClient } from 'reprise/redis'
import type { Order } from '../workload.ts'

/** What the contenders ask of a client, so that the same ones run on both. */
export interface Redis {
  readonly client: RedisClient
  append(list: string, value: string): Promise<number>
  get(key: string): Promise<string | null>
  set(key: string, value: string, ms: number): Promise<unknown>
  /** False where the key is there. */
  setNew(key: string, value: string, ms: number): Promise<boolean>
}

export type OpenRedis = (url: string) => Promise<Redis>

export async function openIoredis(url: string): Promise<Redis> {
  const client = new Ioredis(url)
  return {
    client,
    append: (list, value) => client.rpush(list, value),
    get: (key) => client.get(key),
    set: (key, value, ms) => client.set(key, value, 'PX', ms),
    setNew: async (key, value, ms) => (await client.set(key, value, 'PX', ms, 'NX')) !== null,
  }
}

export async function openNodeRedis(url: string): Promise<Redis> {
  const client = await createClient({ url }).connect()
  const expiring = (ms: number) => ({ type: 'PX', value: ms }) as const
  return {
    client,
    append: (list, value) => client.rPush(list, value),
    get: (key) => client.get(key),
    set: (key, value, ms) => client.set(key, value, { expiration: expiring(ms) }),
    setNew: async (key, value, ms) =>
      (await client.set(key, value, { condition: 'NX', expiration: expiring(ms) })) !== null,
  }
}

export function appendOrder(redis: Redis, order: Order): Promise<number> {
  return redis.append('orders', JSON.stringify(order))
}
