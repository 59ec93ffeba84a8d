// Compiled, never run: the store on Redis, which is typed by shape alone, fits the types of its clients.

import { Cluster, Redis } from 'ioredis'
import { createClient, createClientPool, createCluster } from 'redis'
import type { Store } from 'reprise'
import { type RedisClient, redis } from 'reprise/redis'

export function clientsFit(): Store<never>[] {
  const typeMapping = { 36: Buffer } as const
  const clients: RedisClient[] = [
    new Redis(),
    new Redis({ sentinels: [{ host: 'localhost' }], name: 'mymaster', keyPrefix: 'a:' }),
    new Cluster(['redis://localhost']),
    createClient(),
    createClient({ RESP: 2, url: 'redis://localhost' }),
    createClient({ commandOptions: { typeMapping } }),
    createClient().withTypeMapping(typeMapping),
    createClient().duplicate(),
    createCluster({ rootNodes: [{ url: 'redis://localhost' }] }),
    createCluster({ rootNodes: [], RESP: 2, defaults: { password: 'secret' } }),
  ]
  return clients.map((client) => redis({ client, subscriber: false }))
}

export function optionsFit(): void {
  redis({ client: new Redis(), subscriber: new Redis(), prefix: 'orders:', timeout: '2s' })
  redis({ client: createClient(), subscriber: createClient(), acceptLoss: 'last-seconds' })
  redis({ client: new Cluster([]), waitForReplicas: { count: 2, timeout: '500ms' }, trustSettings: true })
}

export async function connectedFits(): Promise<void> {
  redis({ client: await createClient().connect() })
  redis({ client: await createCluster({ rootNodes: [] }).connect() })
}

export function wrongIsRefused(): void {
  // @ts-expect-error the store opens no connections
  redis({ client: 'redis://localhost' })
  // @ts-expect-error a client that can't run scripts
  redis({ client: { get: async () => null, set: async () => 'OK' } })
  // @ts-expect-error a pool has no subscriptions
  redis({ client: createClientPool() })
  // @ts-expect-error there are two losses to accept
  redis({ client: new Redis(), acceptLoss: 'some' })
  // @ts-expect-error an option that does not exist
  redis({ client: new Redis(), ttl: 60 })
}
