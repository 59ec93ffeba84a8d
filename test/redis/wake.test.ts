// Who waits for another process's answer is woken by it, and by nothing that happens to other records.
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Store } from 'reprise/engine'
import { type RedisClient, redis } from 'reprise/redis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startPrivateRedis } from '../../scripts/services/redis.ts'
import type { Server } from '../../scripts/services/server.ts'
import { describeWith, sharedRedisCluster } from '../services/services.ts'
import { clusterClients, type OpenClient, openIoredis, singleClients } from './clients.ts'
import { anOperation, aPrefix, completed, openStore, settle, terms } from './given.ts'

const describeRedis = await describeWith('redis')
const describeCluster = await describeWith('redis-cluster')

interface Waiter {
  /** How often it has looked. */
  looks(): number
  /** Milliseconds of the process's clock at which it saw that the record had changed. */
  readonly saw: Promise<number>
  leave(): void
}

/** Waits for a record to be no longer running, as a duplicate waits for the first answer. */
function waitFor(store: Store<never>, id: string): Waiter {
  const controller = new AbortController()
  let looks = 0
  const saw = (async () => {
    while (!controller.signal.aborted) {
      const watching = store.watch?.(id, controller.signal)
      looks++
      if ((await store.find(id))?.state !== 'running') break
      await watching
    }
    const atMs = performance.now()
    controller.abort()
    return atMs
  })()
  return { looks: () => looks, saw, leave: () => controller.abort() }
}

async function claimed(store: Store<never>): Promise<{ readonly id: string; settle(): Promise<number> }> {
  const [operation, asked] = [anOperation(), terms()]
  const { record } = await store.claim(operation, asked)
  return {
    id: operation.id,
    settle: async () => {
      await store.settle({ ...operation, attemptId: asked.attemptId, fence: record.fence }, completed())
      return performance.now()
    },
  }
}

async function twoProcesses(url: string, openClient: OpenClient): Promise<[Store<never>, Store<never>]> {
  const prefix = aPrefix()
  return [await openStore(url, { prefix }, openClient), await openStore(url, { prefix }, openClient)]
}

async function isWoken(url: string, openClient: OpenClient): Promise<void> {
  const [one, other] = await twoProcesses(url, openClient)
  const claim = await claimed(one)
  const waiter = waitFor(other, claim.id)
  await sleep(500)
  // It looked when it came, when its subscription stood, and perhaps once before that.
  expect(waiter.looks()).toBeLessThanOrEqual(4)
  for (let n = 0; n < 5; n++) await settle(one)
  const looks = waiter.looks()
  const settledMs = await claim.settle()
  expect((await waiter.saw) - settledMs).toBeLessThan(250)
  expect(waiter.looks() - looks).toBeLessThanOrEqual(2)
}

describeRedis('on one node', () => {
  let server: Server
  let admin: Redis
  beforeAll(async () => {
    server = await startPrivateRedis({})
    admin = new Redis(server.url)
  })
  afterAll(async () => {
    admin.disconnect()
    await server.stop()
  })

  const subscribers = async (): Promise<number> =>
    String(await admin.call('CLIENT', 'LIST', 'TYPE', 'pubsub'))
      .split('\n')
      .filter(Boolean).length

  async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) await sleep(20)
  }

  describe.each(singleClients)('by %s', (_, openClient) => {
    test('who waits is woken by another process', () => isWoken(server.url, openClient))

    test('who waits is woken again after the connection was lost', async () => {
      const [one, other] = await twoProcesses(server.url, openClient)
      const claim = await claimed(one)
      const waiter = waitFor(other, claim.id)
      await until(async () => (await subscribers()) > 0)
      await sleep(100)
      await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
      await until(async () => (await subscribers()) > 0)
      await sleep(300)
      const looks = waiter.looks()
      const settledMs = await claim.settle()
      expect((await waiter.saw) - settledMs).toBeLessThan(250)
      expect(waiter.looks() - looks).toBeLessThanOrEqual(2)
    })

    test('a change while the connection was lost is not slept through', async () => {
      const [one, other] = await twoProcesses(server.url, openClient)
      const claim = await claimed(one)
      const waiter = waitFor(other, claim.id)
      await until(async () => (await subscribers()) > 0)
      await sleep(100)
      const settling = claim.settle()
      await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
      expect((await waiter.saw) - (await settling)).toBeLessThan(1_500)
    })

    test('a subscriber is opened for the first who waits, and closed with the store', async () => {
      const prefix = aPrefix()
      const opened = await openClient(server.url)
      onTestFinished(opened.cut)
      const store = redis({ client: opened.client, prefix })
      expect(store.capabilities.wakesWaiters).toBe(true)
      await settle(store)
      expect(await subscribers()).toBe(0)
      const claim = await claimed(store)
      const waiter = waitFor(store, claim.id)
      await until(async () => (await subscribers()) === 1)
      waiter.leave()
      await waiter.saw
      await store.close()
      await until(async () => (await subscribers()) === 0)
    })

    test('a channel is left some time after the last who waited', async () => {
      const store = await openStore(server.url, {}, openClient)
      const claim = await claimed(store)
      const waiters = [waitFor(store, claim.id), waitFor(store, claim.id)]
      const channels = async (): Promise<number> => ((await admin.pubsub('CHANNELS')) as string[]).length
      await until(async () => (await channels()) === 1)
      for (const waiter of waiters) waiter.leave()
      await until(async () => (await channels()) === 0)
      // And taken up again.
      const again = waitFor(store, claim.id)
      await until(async () => (await channels()) === 1)
      await claim.settle()
      await again.saw
    })

    test('a subscriber that was passed in is used, and left open', async () => {
      const [main, second] = [await openClient(server.url), await openClient(server.url)]
      onTestFinished(() => {
        main.cut()
        second.cut()
      })
      const prefix = aPrefix()
      const store = redis({ client: main.client, prefix, subscriber: second.client })
      const one = await openStore(server.url, { prefix }, openClient)
      const claim = await claimed(one)
      const waiter = waitFor(store, claim.id)
      await until(async () => (await subscribers()) === 1)
      await sleep(150)
      const settledMs = await claim.settle()
      expect((await waiter.saw) - settledMs).toBeLessThan(250)
      await store.close()
      expect(await pinged(second.client)).toBe(true)
    })

    test('without a subscriber one looks again and again', async () => {
      const prefix = aPrefix()
      const one = await openStore(server.url, { prefix }, openClient)
      const other = await openStore(server.url, { prefix, subscriber: false }, openClient)
      expect(other.capabilities.wakesWaiters).toBe(false)
      const claim = await claimed(one)
      const waiter = waitFor(other, claim.id)
      await sleep(400)
      expect(waiter.looks()).toBeGreaterThanOrEqual(4)
      const settledMs = await claim.settle()
      expect((await waiter.saw) - settledMs).toBeLessThan(400)
      expect(await subscribers()).toBe(0)
    })
  })

  test('a prefix that the client adds to its keys is none of its channels', () =>
    isWoken(server.url, async (url) => {
      const client = new Redis(url, { keyPrefix: 'of-the-client:' })
      return { client, cut: () => client.disconnect() }
    }))

  test('a claim and its settlement wake their own process without Redis telling it', async () => {
    const store = await openStore(server.url, { subscriber: false }, openIoredis)
    const claim = await claimed(store)
    const told = store.watch?.(claim.id, new AbortController().signal)
    const settledMs = await claim.settle()
    await told
    expect(performance.now() - settledMs).toBeLessThan(40)
  })
})

async function pinged(client: RedisClient): Promise<boolean> {
  return (client as unknown as { ping(): Promise<unknown> }).ping().then(
    () => true,
    () => false,
  )
}

describeCluster('on a Cluster', () => {
  test.each(clusterClients)('by %s who waits is woken by another process', async (_, openClient) => {
    await isWoken((await sharedRedisCluster()).url, openClient)
  })
})
