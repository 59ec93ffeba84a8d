// Redis killed, frozen, full, cut off or demoted: what was acknowledged stays, what was not is told, and sent again it counts
// once.
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Operation, Store, Terms } from 'reprise/engine'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startPrivateRedis } from '../../scripts/services/redis.ts'
import { startRedisCluster } from '../../scripts/services/redis-cluster.ts'
import type { Server } from '../../scripts/services/server.ts'
import { describeWith } from '../services/services.ts'
import { clusterClients, singleClients } from './clients.ts'
import { anOperation, aPrefix, completed, openStore, settle, terms } from './given.ts'

const describeRedis = await describeWith('redis')
const describeCluster = await describeWith('redis-cluster')

const unavailable = (message: RegExp) => ({ code: 'store-unavailable', message })

function adminOf(server: Server): Redis {
  const admin = new Redis(server.url)
  admin.on('error', () => undefined)
  onTestFinished(() => admin.disconnect())
  return admin
}

/** Claims and settles until it is acknowledged, each step under the same attempt. */
async function settleAtLast(store: Store<never>, operation: Operation, asked: Terms): Promise<string> {
  for (let tries = 1; ; tries++) {
    try {
      const { record } = await store.claim(operation, asked)
      return (await store.settle({ ...operation, attemptId: asked.attemptId, fence: record.fence }, completed())).kind
    } catch (error) {
      if (tries === 100) throw error
      await sleep(20)
    }
  }
}

describe.each(singleClients)('by %s', (_, openClient) => {
  describeRedis('a server', () => {
    let server: Server
    beforeAll(async () => {
      server = await startPrivateRedis({})
    })
    afterAll(() => server.stop())

    test('that is killed and started again has lost nothing that it had acknowledged', async () => {
      const prefix = aPrefix()
      const store = await openStore(server.url, { prefix, timeout: '5s' }, openClient)
      await store.migrate()
      const acknowledged: Operation[] = []
      const failed: [Operation, Terms][] = []
      let stop = false
      const workers = Array.from({ length: 20 }, async () => {
        while (!stop) {
          const [operation, asked] = [anOperation(), terms()]
          try {
            const { record } = await store.claim(operation, asked)
            await store.settle({ ...operation, attemptId: asked.attemptId, fence: record.fence }, completed())
            acknowledged.push(operation)
          } catch {
            failed.push([operation, asked])
          }
        }
      })
      await sleep(150)
      await server.kill()
      stop = true
      await server.restart()
      await Promise.all(workers)
      expect(acknowledged.length).toBeGreaterThan(20)
      const found = await Promise.all(acknowledged.map(({ id }) => store.find(id)))
      expect(found.filter((record) => record?.state !== 'completed')).toEqual([])
      // Whoever was told nothing sends the same again, and it counts once.
      for (const [operation, asked] of failed) {
        expect(['written', 'already-written']).toContain(await settleAtLast(store, operation, asked))
        expect((await store.find(operation.id))?.attempts).toBe(1)
      }
    })

    test('that cuts connections off leaves each operation done once', async () => {
      const admin = adminOf(server)
      const store = await openStore(server.url, {}, openClient)
      await store.migrate()
      const operations: Operation[] = []
      let cut = 0
      const workers = Array.from({ length: 20 }, async () => {
        while (cut < 3) {
          const operation = anOperation()
          operations.push(operation)
          await settleAtLast(store, operation, terms())
        }
      })
      await sleep(50)
      while (cut < 3) {
        cut += Number(await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'))
        await sleep(20)
      }
      await Promise.all(workers)
      expect(operations.length).toBeGreaterThan(20)
      for (const { id } of operations) expect(await store.find(id)).toMatchObject({ state: 'completed', attempts: 1 })
    })

    test('that is frozen is waited for no longer than told, and never does later what was given up', async () => {
      const prefix = aPrefix()
      const store = await openStore(server.url, { prefix, timeout: '200ms' }, openClient)
      await store.migrate()
      const [operation, control] = [anOperation(), aPrefix()]
      const outside = adminOf(server)
      await outside.ping()
      server.pause()
      // It is in the server's hands by now, and will be read when it goes on.
      const written = outside.set(control, 'written')
      await expect(store.claim(operation, terms())).rejects.toMatchObject(unavailable(/not answer within 200 ms/))
      await sleep(20)
      server.resume()
      await written
      expect(await store.find(operation.id)).toBe(undefined)
      expect(await outside.get(control), 'the control').toBe('written')
      expect((await settle(store, operation)).kind).toBe('written')
    })

    test('that is away is waited for no longer than told, and a step then does its work again', async () => {
      const store = await openStore(server.url, { timeout: '200ms' }, openClient)
      await settle(store)
      await server.halt()
      await expect(store.claim(anOperation(), terms())).rejects.toMatchObject({ code: 'store-unavailable' })
      await server.restart()
      expect(await settleAtLast(store, anOperation(), terms())).toBe('written')
    })

    test('that is full says so, and still tells what it knows', async () => {
      const admin = adminOf(server)
      const store = await openStore(server.url, {}, openClient)
      const known = anOperation()
      await settle(store, known)
      await admin.config('SET', 'maxmemory', '1')
      try {
        await expect(store.claim(anOperation(), terms())).rejects.toMatchObject(unavailable(/`maxmemory`.*sweep/))
        expect((await store.claim(known, terms())).record.state).toBe('completed')
      } finally {
        await admin.config('SET', 'maxmemory', '0')
      }
      expect((await settle(store)).kind).toBe('written')
    })

    test('that has become a replica says so', async () => {
      const admin = adminOf(server)
      const store = await openStore(server.url, {}, openClient)
      await settle(store)
      await admin.call('REPLICAOF', '127.0.0.1', '1')
      try {
        await expect(store.claim(anOperation(), terms())).rejects.toMatchObject(unavailable(/replica/))
      } finally {
        await admin.call('REPLICAOF', 'NO', 'ONE')
      }
      expect(await settleAtLast(store, anOperation(), terms())).toBe('written')
    })
  })
})

describeCluster('a Cluster', () => {
  test('that has lost a master does without what lies there', async () => {
    const cluster = await startRedisCluster({ settings: { 'cluster-require-full-coverage': 'no' } })
    onTestFinished(() => cluster.stop())
    const stores: Store<never>[] = []
    for (const [, openClient] of clusterClients) {
      const store = await openStore(cluster.url, { timeout: '500ms' }, openClient)
      for (let n = 0; n < 20; n++) await settle(store)
      stores.push(store)
    }
    await cluster.nodes[2]?.kill()
    for (const store of stores) {
      const ends = await Promise.allSettled(Array.from({ length: 60 }, () => settle(store)))
      const failed = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as { code: string }] : []))
      expect(failed.length).toBeGreaterThan(5)
      expect(failed.length).toBeLessThan(55)
      expect(new Set(failed.map(({ code }) => code))).toEqual(new Set(['store-unavailable']))
    }
  })
})
