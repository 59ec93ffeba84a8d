// Many records: pages that find them all, sweeps that find what is due, and sweeps that nobody asked for.
import { Redis } from 'ioredis'
import { type Clock, type OperationRecord, type Store, systemClock } from 'reprise/engine'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { describeWith, sharedRedis, sharedRedisCluster } from '../services/services.ts'
import { openIoredis, openNodeRedisCluster } from './clients.ts'
import { anOperation, aPrefix, completed, openStore, settle, terms } from './given.ts'

const describeRedis = await describeWith('redis', 'redis-cluster')

/** A clock that was right this long ago. */
const ago = (ms: number): Clock => ({ ...systemClock, now: () => Date.now() - ms })
const hourMs = 3_600_000
const brief = { retentionMs: hourMs / 3, tombstoneMs: hourMs / 3 }

async function pages(store: Store<never>, options: object): Promise<OperationRecord[][]> {
  const all: OperationRecord[][] = []
  for (let cursor: string | undefined; ; ) {
    const page = await store.list({ ...options, ...(cursor === undefined ? {} : { cursor }) })
    all.push([...page.items])
    if (page.next === undefined) return all
    cursor = page.next
  }
}

const ids = (records: readonly OperationRecord[]): string[] => records.map(({ id }) => id).sort()

const places = [
  ['one node', openIoredis, sharedRedis],
  ['a Cluster', openNodeRedisCluster, sharedRedisCluster],
] as const

for (const [place, openClient, server] of places) {
  describeRedis(`on ${place}`, () => {
    let url = ''
    beforeAll(async () => {
      url = (await server()).url
    })

    test('pages hold every record once, whatever their size', async () => {
      const store = await openStore(url, {}, openClient)
      const operations = Array.from({ length: 1500 }, () => anOperation())
      await Promise.all(
        operations.map((operation, n) => (n % 3 === 0 ? store.claim(operation, terms()) : settle(store, operation))),
      )
      const expected = operations.map(({ id }) => id).sort()
      for (const limit of [7, 100, 1000]) {
        const read = await pages(store, { limit })
        expect(ids(read.flat())).toEqual(expected)
        expect(Math.max(...read.map((page) => page.length))).toBe(limit)
      }
      expect((await pages(store, { state: 'running', limit: 1000 })).flat()).toHaveLength(500)
      expect((await pages(store, { state: 'completed', limit: 1000 })).flat()).toHaveLength(1000)
    })

    test('what is settled while one reads is not missed', async () => {
      const store = await openStore(url, {}, openClient)
      const claims = await Promise.all(
        Array.from({ length: 300 }, async () => {
          const [operation, asked] = [anOperation(), terms()]
          const { record } = await store.claim(operation, asked)
          return { ...operation, attemptId: asked.attemptId, fence: record.fence }
        }),
      )
      const seen = new Set<string>()
      let settled = 0
      for (let cursor: string | undefined; ; ) {
        const page = await store.list({ limit: 20, ...(cursor === undefined ? {} : { cursor }) })
        for (const { id } of page.items) seen.add(id)
        if (page.next === undefined) break
        cursor = page.next
        await Promise.all(claims.slice(settled, settled + 20).map((claim) => store.settle(claim, completed())))
        settled += 20
      }
      expect(claims.filter(({ id }) => !seen.has(id))).toEqual([])
    })

    test('few among many are found by their name, a page at a time', async () => {
      const store = await openStore(url, {}, openClient)
      await Promise.all(Array.from({ length: 2500 }, () => settle(store)))
      const rare = anOperation({ name: 'order.rare' })
      await settle(store, rare)
      const read = await pages(store, { name: 'order.rare', limit: 100 })
      expect(ids(read.flat())).toEqual([rare.id])
      // Nobody waits for one page until all has been looked at.
      expect(read.length).toBeGreaterThan(1)
    })

    test('a sweep takes all that is due, and two at once take it once', async () => {
      const prefix = aPrefix()
      const old = await openStore(url, { prefix, clock: ago(hourMs) }, openClient)
      const [one, other] = [
        await openStore(url, { prefix }, openClient),
        await openStore(url, { prefix, clock: ago(0) }, openClient),
      ]
      await Promise.all(Array.from({ length: 700 }, () => settle(old, anOperation(), completed('', brief))))
      const young = anOperation()
      await settle(one, young)
      const swept = await Promise.all([one.sweep(1000), other.sweep(1000)])
      swept.push(await one.sweep(1000))
      expect(swept.reduce((sum, { forgotten }) => sum + forgotten, 0)).toBe(700)
      expect(ids((await one.list({})).items)).toEqual([young.id])
    })
  })
}

describeRedis('where nobody sweeps', () => {
  test('those who write do, once something is an hour overdue', async () => {
    const { url } = await sharedRedis()
    const prefix = aPrefix()
    const redis = new Redis(url)
    onTestFinished(() => redis.disconnect())
    const stored = async (): Promise<number> => (await redis.keys(`${prefix}*:r:*`)).length

    const recent = await openStore(url, { prefix, clock: ago(hourMs) })
    await Promise.all(Array.from({ length: 50 }, () => settle(recent, anOperation(), completed('', brief))))
    const store = await openStore(url, { prefix })
    for (let n = 0; n < 300; n++) await settle(store)
    expect(await stored(), 'two thirds of an hour are not enough').toBe(350)

    const old = await openStore(url, { prefix, clock: ago(5 * hourMs) })
    await Promise.all(Array.from({ length: 300 }, () => settle(old, anOperation(), completed('', brief))))
    let written = 300
    while ((await stored()) > written && written < 5_000) {
      await Promise.all(Array.from({ length: 20 }, () => settle(store)))
      written += 20
    }
    expect(await stored()).toBe(written)
  })
})

test('a cursor that is none is refused', async () => {
  const { url } = await sharedRedis()
  const store = await openStore(url, {})
  for (const cursor of ['', 'x', '256:0:a', '1:nan:a', '-1:0:a']) {
    await expect(store.list({ cursor }), cursor).rejects.toMatchObject({ code: 'option-invalid' })
  }
})
