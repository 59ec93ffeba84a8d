// What a step is on the wire: one call, of a script the server may have forgotten, with nothing in it but ids and bytes.
import { Redis } from 'ioredis'
import { createReprise } from 'reprise'
import type { Store } from 'reprise/engine'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startPrivateRedis } from '../../scripts/services/redis.ts'
import { type RedisCluster, startRedisCluster } from '../../scripts/services/redis-cluster.ts'
import type { Server } from '../../scripts/services/server.ts'
import { describeWith, sharedRedis } from '../services/services.ts'
import { clusterClients, singleClients } from './clients.ts'
import { anOperation, aPrefix, completed, openStore, settle, terms } from './given.ts'

const describeRedis = await describeWith('redis')
const describeCluster = await describeWith('redis-cluster')

async function withRedis<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url)
  try {
    return await use(redis)
  } finally {
    redis.disconnect()
  }
}

/** How often scripts have been called on these servers. */
async function scriptCalls(urls: readonly string[]): Promise<number[]> {
  return Promise.all(
    urls.map((url) =>
      withRedis(url, async (redis) => {
        const stats = await redis.info('commandstats')
        const calls = [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].map(([, count]) => Number(count))
        return calls.reduce((sum, count) => sum + count, 0)
      }),
    ),
  )
}

/** All that the server is sent while `act` runs. */
async function overheard(url: string, act: () => Promise<unknown>): Promise<string> {
  return withRedis(url, async (redis) => {
    const monitor = await redis.monitor()
    const said: string[] = []
    monitor.on('monitor', (_time: string, args: string[]) => said.push(args.join(' ')))
    await act()
    await redis.echo('the end of what is overheard')
    while (!said.some((line) => line.includes('the end of what is overheard'))) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    monitor.disconnect()
    return said.join('\n')
  })
}

async function inAllStates(store: Store<never>): Promise<void> {
  await store.claim(anOperation(), terms())
  await settle(store)
  await settle(store, anOperation(), { kind: 'released', proof: 'not-applied', retentionMs: 1000, tombstoneMs: 1000 })
}

describe.each(singleClients)('by %s', (_, openClient) => {
  describeRedis('a step', () => {
    let url = ''
    beforeAll(async () => {
      url = (await sharedRedis()).url
    })

    test('finds a script again that the server has forgotten', async () => {
      const store = await openStore(url, {}, openClient)
      await settle(store)
      await withRedis(url, (redis) => redis.script('FLUSH'))
      expect((await settle(store)).kind).toBe('written')
    })

    test('keeps bytes as they are', async () => {
      const store = await openStore(url, {}, openClient)
      const bytes = Uint8Array.from({ length: 1024 }, (_, n) => n % 256)
      const operation = anOperation()
      await settle(store, operation, completed(bytes))
      const record = await store.find(operation.id)
      expect(record?.state === 'completed' && record.outcome.body).toEqual(bytes)
    })

    test('works under a prefix that the client adds', async () => {
      const redis = new Redis(url, { keyPrefix: 'of-the-client:' })
      const store = await openStore(url, {}, async () => ({ client: redis, cut: () => redis.disconnect() }))
      await store.migrate()
      const operation = anOperation()
      await settle(store, operation)
      expect((await store.list({})).items.map(({ id }) => id)).toEqual([operation.id])
    })

    test('tells nothing of a key or a principal, only digests', async () => {
      const reprise = createReprise({ store: await openStore(url, {}, openClient), principal: () => 'nobody' })
      const hostile = [
        `'; FLUSHALL\r\n*1\r\n$8\r\nFLUSHALL`,
        '{0}',
        '*',
        'reprise:{0}:r:x',
        '\u{1F600}'.repeat(60),
        'a\0b',
      ]
      const said = await overheard(url, async () => {
        for (const key of hostile) {
          const run = () =>
            reprise.run({ name: 'order', guarantee: 'guarded' }, { principal: `Alice of ${key}`, key }, () => 'done')
          expect(await run()).toMatchObject({ kind: 'done', replayed: false })
          expect(await run()).toMatchObject({ kind: 'done', replayed: true })
        }
      })
      expect(/evalsha/i.test(said)).toBe(true)
      const told = [...hostile.slice(3), 'Alice', 'FLUSHALL'].filter((text) => said.includes(text))
      expect(told).toEqual([])
    })

    test('of an id that is no digest is a step of that id and no other', async () => {
      const prefix = aPrefix()
      const store = await openStore(url, { prefix }, openClient)
      const ids = ['', '*', 'a b', '{x}', '}{', 'index', '\r\n', '-inf', 'é', '日本', "'", '\\', 'x'.repeat(5000)]
      for (const id of ids) await settle(store, anOperation({ id }), completed(`of ${id}`))
      for (const id of ids) {
        const record = await store.find(id)
        expect(record?.state === 'completed' && new TextDecoder().decode(record.outcome.body ?? undefined)).toBe(
          `of ${id}`,
        )
      }
      const listed: string[] = []
      for (let cursor: string | undefined; ; ) {
        const page = await store.list(cursor === undefined ? { limit: 2 } : { limit: 2, cursor })
        listed.push(...page.items.map(({ id }) => id))
        if (page.next === undefined) break
        cursor = page.next
      }
      expect(listed.sort()).toEqual([...ids].sort())
    })

    test('writes under its prefix alone, and nothing that expires', async () => {
      const prefix = aPrefix()
      const store = await openStore(url, { prefix }, openClient)
      await withRedis(url, async (redis) => {
        const before = new Set(await redis.keys('*'))
        await inAllStates(store)
        const written = (await redis.keys('*')).filter((key) => !before.has(key) && !key.startsWith('test-'))
        expect(written).toEqual([])
        for (const key of await redis.keys(`${prefix}*`)) expect(await redis.ttl(key)).toBe(-1)
      })
    })

    test('that is told of another key’s type says whose fault it is', async () => {
      const prefix = aPrefix()
      const store = await openStore(url, { prefix }, openClient)
      const operation = anOperation()
      await settle(store, operation)
      await withRedis(url, async (redis) => {
        const [key = ''] = await redis.keys(`${prefix}*${operation.id}`)
        await redis.del(key)
        await redis.lpush(key, 'mine')
      })
      await expect(store.find(operation.id)).rejects.toMatchObject({
        code: 'store-unavailable',
        message: /somebody else writes under its prefix/,
      })
    })

    test('reads the server’s clock, whatever the machine of the process says', async () => {
      const store = await openStore(url, {}, openClient)
      const realNow = Date.now
      try {
        Date.now = () => realNow() + 3_600_000
        const { record } = await store.claim(anOperation(), terms())
        const serverMs = await withRedis(url, async (redis) => Number((await redis.time())[0]) * 1000)
        expect(Math.abs(record.createdAtMs - serverMs)).toBeLessThan(5_000)
      } finally {
        Date.now = realNow
      }
    })
  })
})

describeCluster('steps on a Cluster', () => {
  let cluster: RedisCluster
  let urls: string[] = []
  beforeAll(async () => {
    cluster = await startRedisCluster({})
    urls = cluster.url.split(',')
  })
  afterAll(() => cluster.stop())

  test.each(clusterClients)('by %s are one call each, and their records are spread', async (_, openClient) => {
    const prefix = aPrefix()
    const store = await openStore(cluster.url, { prefix }, openClient)
    await store.migrate()
    // By then every master has seen the script.
    for (let n = 0; n < 30; n++) await settle(store)
    const before = await scriptCalls(urls)
    const count = 90
    for (let n = 0; n < count; n++) await settle(store)
    const calls = (await scriptCalls(urls)).map((after, n) => after - (before[n] ?? 0))
    expect(calls.reduce((sum, one) => sum + one)).toBe(2 * count)
    expect(Math.min(...calls)).toBeGreaterThan(count / 6)
    const keys = await Promise.all(urls.map((url) => withRedis(url, (redis) => redis.keys(`${prefix}*:r:*`))))
    expect(keys.flat()).toHaveLength(count + 30)
    expect((await store.list({ limit: 1000 })).items).toHaveLength(count + 30)
  })

  test.each(clusterClients)(
    'by %s are refused where one master may lose them, and it is named',
    async (_, openClient) => {
      const [one = ''] = urls.slice(1)
      const refused = {
        code: 'server-unfit',
        message: expect.stringMatching(new RegExp(`:${new URL(one).port}: .appendfsync. is everysec`)) as string,
      }
      await withRedis(one, (redis) => redis.config('SET', 'appendfsync', 'everysec'))
      try {
        const store = await openStore(cluster.url, {}, openClient)
        await expect(store.migrate()).rejects.toMatchObject(refused)
      } finally {
        await withRedis(one, (redis) => redis.config('SET', 'appendfsync', 'always'))
      }
    },
  )

  test.each(clusterClients)('by %s find a script again that the servers have forgotten', async (_, openClient) => {
    const store = await openStore(cluster.url, {}, openClient)
    await settle(store)
    for (const url of urls) await withRedis(url, (redis) => redis.script('FLUSH'))
    for (let n = 0; n < 10; n++) expect((await settle(store)).kind).toBe('written')
  })
})

describeRedis('steps on one node', () => {
  let server: Server
  beforeAll(async () => {
    server = await startPrivateRedis({})
  })
  afterAll(() => server.stop())

  test.each(singleClients)('by %s are one call each', async (_, openClient) => {
    const store = await openStore(server.url, {}, openClient)
    await store.migrate()
    const counted = async (act: () => Promise<unknown>): Promise<number> => {
      const [before = 0] = await scriptCalls([server.url])
      await act()
      const [after = 0] = await scriptCalls([server.url])
      return after - before
    }
    const operation = anOperation()
    const asked = terms()
    let fence = 0
    const claim = () => ({ id: operation.id, attemptId: asked.attemptId, fence })
    const first = async (): Promise<void> => {
      fence = (await store.claim(operation, asked)).record.fence
    }
    expect(await counted(first)).toBe(1)
    expect(await counted(() => store.beginEffect(claim()))).toBe(1)
    expect(await counted(() => store.recordStep(claim(), 'charge', '1'))).toBe(1)
    expect(await counted(() => store.renew(claim(), 60_000))).toBe(1)
    expect(await counted(() => store.settle(claim(), completed()))).toBe(1)
    expect(await counted(() => store.claim(operation, terms())), 'a replay').toBe(1)
    expect(await counted(() => store.find(operation.id))).toBe(1)
  })
})
