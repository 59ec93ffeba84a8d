// Steps that wait for replicas: what they acknowledge is there, and what is not there they do not acknowledge.
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { startPrivateRedis } from '../../scripts/services/redis.ts'
import type { Server } from '../../scripts/services/server.ts'
import { describeWith, sharedRedisCluster } from '../services/services.ts'
import { clusterClients, singleClients } from './clients.ts'
import { anOperation, aPrefix, openStore, settle, terms } from './given.ts'

const describeRedis = await describeWith('redis')
const describeCluster = await describeWith('redis-cluster')

const unavailable = (message: RegExp) => ({ code: 'store-unavailable', message })

describeRedis('replicas that are waited for', () => {
  let server: Server
  let replica: Server
  beforeAll(async () => {
    server = await startPrivateRedis({ settings: { 'repl-diskless-sync-delay': '0' } })
    replica = await startPrivateRedis({ settings: { replicaof: `127.0.0.1 ${server.port}` } })
    const admin = new Redis(server.url)
    while (!(await admin.info('replication')).includes('state=online')) await sleep(20)
    admin.disconnect()
  })
  afterAll(async () => {
    await replica.stop()
    await server.stop()
  })

  test.each(singleClients)('by %s have what a step has acknowledged', async (_, openClient) => {
    const prefix = aPrefix()
    const store = await openStore(server.url, { prefix, waitForReplicas: { count: 1 } }, openClient)
    const reader = new Redis(replica.url)
    onTestFinished(() => reader.disconnect())
    for (let n = 0; n < 20; n++) {
      const operation = anOperation()
      await settle(store, operation)
      const [key = ''] = await reader.keys(`${prefix}*${operation.id}`)
      expect(await reader.get(key)).toContain('completed')
    }
  })

  test.each(singleClients)(
    'by %s that do not answer make it count for nothing, also when it is sent again or looked at',
    async (_, openClient) => {
      const store = await openStore(
        server.url,
        { waitForReplicas: { count: 1, timeout: '50ms' }, timeout: '2s' },
        openClient,
      )
      await store.migrate()
      const [operation, asked] = [anOperation(), terms()]
      replica.pause()
      try {
        const short = unavailable(/0 of 1 replicas/)
        await expect(store.claim(operation, asked)).rejects.toMatchObject(short)
        // The master has it by now, and a failover may still lose it.
        await expect(store.claim(operation, asked)).rejects.toMatchObject(short)
        await expect(store.claim(operation, terms())).rejects.toMatchObject(short)
        await expect(store.find(operation.id)).rejects.toMatchObject(short)
      } finally {
        replica.resume()
      }
      const { kind, record } = await store.claim(operation, asked)
      expect([kind, record.attempts]).toEqual(['granted', 1])
    },
  )

  test.each(singleClients)('by %s are fewer than asked for', async (_, openClient) => {
    const store = await openStore(server.url, { waitForReplicas: { count: 2, timeout: '50ms' } }, openClient)
    await expect(store.migrate()).rejects.toMatchObject(unavailable(/1 of 2 replicas/))
  })
})

describeCluster('replicas of a Cluster that are waited for', () => {
  test.each(clusterClients)('by %s are missed where there are none', async (_, openClient) => {
    const { url } = await sharedRedisCluster()
    const store = await openStore(url, { waitForReplicas: { count: 1, timeout: '50ms' } }, openClient)
    await expect(store.migrate()).rejects.toMatchObject(unavailable(/0 of 1 replicas/))
  })
})
