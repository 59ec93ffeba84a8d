// The four clients that the store is held to, and how each is opened and cut off.
import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'
import type { RedisClient } from 'reprise/redis'

export interface OpenedClient {
  readonly client: RedisClient
  /** Ends its connections as the end of the process would. */
  readonly cut: () => void
}

export type OpenClient = (url: string) => Promise<OpenedClient>

export const openIoredis: OpenClient = async (url) => {
  const client = new Redis(url)
  client.on('error', () => undefined)
  return { client, cut: () => client.disconnect() }
}

export const openNodeRedis: OpenClient = async (url) => {
  const client = createClient({ url })
  client.on('error', () => undefined)
  await client.connect()
  return { client, cut: () => client.destroy() }
}

export const openIoredisCluster: OpenClient = async (url) => {
  const client = new Cluster(url.split(','), { enableReadyCheck: true })
  client.on('error', () => undefined)
  return { client, cut: () => client.disconnect() }
}

export const openNodeRedisCluster: OpenClient = async (url) => {
  const client = createCluster({ rootNodes: url.split(',').map((node) => ({ url: node })) })
  client.on('error', () => undefined)
  await client.connect()
  return { client, cut: () => client.destroy() }
}

export const singleClients: readonly (readonly [name: string, open: OpenClient])[] = [
  ['ioredis', openIoredis],
  ['node-redis', openNodeRedis],
]

export const clusterClients: readonly (readonly [name: string, open: OpenClient])[] = [
  ['a Cluster of ioredis', openIoredisCluster],
  ['a Cluster of node-redis', openNodeRedisCluster],
]
