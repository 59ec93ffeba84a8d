// The store on Redis under the whole suite, by each client, on one node and on a Cluster of three masters. A crash cuts the
// connections of the first client and opens a second one on the same data.
import { type OpenStore, storeConformance } from '@reprise/testkit'
import type { Store } from 'reprise'
import { redis } from 'reprise/redis'
import { beforeAll, test } from 'vitest'
import { clusterClients, type OpenClient, type OpenedClient, singleClients } from '../redis/clients.ts'
import { describeWith, sharedRedis, sharedRedisCluster } from '../services/services.ts'

let prefixes = 0

function opener(urlOf: () => string, openClient: OpenClient): OpenStore<never> {
  return async ({ clock }) => {
    const prefix = `conformance-${process.pid}-${++prefixes}:`
    const opened: { readonly client: OpenedClient; readonly store: Store<never> }[] = []

    const openNext = async (): Promise<Store<never>> => {
      opened.at(-1)?.client.cut()
      const client = await openClient(urlOf())
      const store = redis({ client: client.client, prefix, clock })
      opened.push({ client, store })
      await store.migrate()
      return store
    }
    return {
      store: await openNext(),
      reopen: openNext,
      dispose: async () => {
        for (const { store } of opened) await store.close()
        opened.at(-1)?.client.cut()
      },
    }
  }
}

const exempt = [
  { name: 'transactional' as const, reason: 'no effect of an application lives in Redis with the record' },
]

const describeRedis = await describeWith('redis')
const describeCluster = await describeWith('redis-cluster')

for (const [name, openClient] of singleClients) {
  describeRedis(`redis by ${name}`, () => {
    let url = ''
    beforeAll(async () => {
      url = (await sharedRedis()).url
    })
    storeConformance(
      test,
      opener(() => url, openClient),
      { exempt },
    )
  })
}

for (const [name, openClient] of clusterClients) {
  describeCluster(`redis by ${name}`, () => {
    let url = ''
    beforeAll(async () => {
      url = (await sharedRedisCluster()).url
    })
    storeConformance(
      test,
      opener(() => url, openClient),
      { exempt },
    )
  })
}
