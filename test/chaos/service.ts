// The service under attack, a process of its own: a few lines of node:http on a store that its arguments name.
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chanceFrom } from './chance.ts'
import { ordersOnMariadb } from './orders-on-mariadb.ts'
import { ordersOnRedis } from './orders-on-redis.ts'

export interface ServiceTerms {
  readonly store: 'mysql' | 'redis'
  readonly url: string
  /** Where effects outside the store are counted. */
  readonly witness: string
  readonly leaseMs: number
  /** With none, each replay is read from the store. */
  readonly replayCacheBytes: number
  readonly client: 'ioredis' | 'node-redis'
  readonly everysec: boolean
  readonly seed: number
}

const terms = JSON.parse(process.argv[2] ?? '') as ServiceTerms
const listener: RequestListener = await open()
const server = createServer(listener).listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening on ${(server.address() as AddressInfo).port}\n`)
})

function open(): Promise<RequestListener> {
  const chance = chanceFrom(terms.seed)
  switch (terms.store) {
    case 'mysql':
      return ordersOnMariadb(terms, chance)
    case 'redis':
      return ordersOnRedis(terms, chance)
  }
}
