// Who waits for another process's answer is woken by it, and by nothing that happens to other records.
import { Redis } from 'ioredis'
import type { Store } from 'reprise/engine'
import { type RedisClient, redis } from 'reprise/redis'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { holdTimers } from '../held-timers.ts'
import { describeWith, sharedRedisCluster } from '../services/services.ts'
import { clusterClients, type OpenClient, openIoredis, singleClients } from './clients.ts'
import { anOperation, aPrefix, completed, openStore, privateServer, settle, terms } from './given.ts'

const describeRedis = await describeWith('redis')
const describeCluster = await describeWith('redis-cluster')

interface Waiter {
  /** How often it has looked. */
  looks(): number
  /** Resolves when it sees that the record has changed. */
  readonly saw: Promise<void>
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
    controller.abort()
  })()
  return { looks: () => looks, saw, leave: () => controller.abort() }
}

async function claimed(store: Store<never>): Promise<{ readonly id: string; settle(): Promise<void> }> {
  const [operation, asked] = [anOperation(), terms()]
  const { record } = await store.claim(operation, asked)
  return {
    id: operation.id,
    settle: async () => {
      await store.settle({ ...operation, attemptId: asked.attemptId, fence: record.fence }, completed())
    },
  }
}

async function twoProcesses(url: string, openClient: OpenClient): Promise<[Store<never>, Store<never>]> {
  const prefix = aPrefix()
  return [await openStore(url, { prefix }, openClient), await openStore(url, { prefix }, openClient)]
}

/** Its subscription stands: it looked when it came, and once more then. */
async function subscribed(waiter: Waiter): Promise<void> {
  await vi.waitFor(() => expect(waiter.looks()).toBeGreaterThanOrEqual(2), 5000)
}

async function isWoken(url: string, openClient: OpenClient): Promise<void> {
  holdTimers()
  const [one, other] = await twoProcesses(url, openClient)
  const claim = await claimed(one)
  const waiter = waitFor(other, claim.id)
  await subscribed(waiter)
  const looks = waiter.looks()
  for (let n = 0; n < 5; n++) await settle(one)
  expect(waiter.looks()).toBe(looks)
  await claim.settle()
  await waiter.saw
  expect(waiter.looks() - looks).toBeLessThanOrEqual(2)
}

describeRedis('on one node', () => {
  const its = privateServer()

  const subscribers = async (): Promise<number> =>
    String(await its.admin.call('CLIENT', 'LIST', 'TYPE', 'pubsub'))
      .split('\n')
      .filter(Boolean).length

  const until = (condition: () => boolean | Promise<boolean>): Promise<void> =>
    vi.waitFor(async () => expect(await condition()).toBe(true), { timeout: 10_000, interval: 20 })

  describe.each(singleClients)('by %s', (_, openClient) => {
    test('who waits is woken by another process', () => isWoken(its.server.url, openClient))

    test('who waits is woken again after the connection was lost', async () => {
      holdTimers()
      const [one, other] = await twoProcesses(its.server.url, openClient)
      const claim = await claimed(one)
      const waiter = waitFor(other, claim.id)
      await subscribed(waiter)
      const before = waiter.looks()
      await its.admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
      // It looks when the connection is lost, and when there is one again.
      await until(() => waiter.looks() >= before + 2)
      await claim.settle()
      await waiter.saw
    })

    test('a change while the connection was lost is not slept through', async () => {
      holdTimers()
      const [one, other] = await twoProcesses(its.server.url, openClient)
      const claim = await claimed(one)
      const waiter = waitFor(other, claim.id)
      await subscribed(waiter)
      const settling = claim.settle()
      await its.admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
      await Promise.all([waiter.saw, settling])
    })

    test('a subscriber is opened for the first who waits, and closed with the store', async () => {
      const prefix = aPrefix()
      const opened = await openClient(its.server.url)
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
      const store = await openStore(its.server.url, {}, openClient)
      const claim = await claimed(store)
      const waiters = [waitFor(store, claim.id), waitFor(store, claim.id)]
      const channels = async (): Promise<number> => ((await its.admin.pubsub('CHANNELS')) as string[]).length
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
      const [main, second] = [await openClient(its.server.url), await openClient(its.server.url)]
      onTestFinished(() => {
        main.cut()
        second.cut()
      })
      const prefix = aPrefix()
      const store = redis({ client: main.client, prefix, subscriber: second.client })
      const one = await openStore(its.server.url, { prefix }, openClient)
      holdTimers()
      const claim = await claimed(one)
      const waiter = waitFor(store, claim.id)
      await subscribed(waiter)
      expect(await subscribers()).toBe(1)
      await claim.settle()
      await waiter.saw
      await store.close()
      expect(await pinged(second.client)).toBe(true)
    })

    test('without a subscriber one looks again and again', async () => {
      const prefix = aPrefix()
      const one = await openStore(its.server.url, { prefix }, openClient)
      const other = await openStore(its.server.url, { prefix, subscriber: false }, openClient)
      expect(other.capabilities.wakesWaiters).toBe(false)
      const claim = await claimed(one)
      const waiter = waitFor(other, claim.id)
      await until(() => waiter.looks() >= 4)
      await claim.settle()
      await waiter.saw
      expect(await subscribers()).toBe(0)
    })
  })

  test('a prefix that the client adds to its keys is none of its channels', () =>
    isWoken(its.server.url, async (url) => {
      const client = new Redis(url, { keyPrefix: 'of-the-client:' })
      return { client, cut: () => client.disconnect() }
    }))

  test('a claim and its settlement wake their own process without Redis telling it', async () => {
    holdTimers()
    const store = await openStore(its.server.url, { subscriber: false }, openIoredis)
    const claim = await claimed(store)
    const waiter = waitFor(store, claim.id)
    await claim.settle()
    await waiter.saw
    expect(waiter.looks()).toBe(2)
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
