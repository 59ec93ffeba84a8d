// What the store takes: clients by their shape, and options that are checked where they are given.
import { Redis } from 'ioredis'
import { createClient, createSentinel } from 'redis'
import { createReprise } from 'reprise'
import { type RedisOptions, redis } from 'reprise/redis'
import { expect, onTestFinished, test } from 'vitest'

const client = (): Redis => {
  const redis = new Redis({ lazyConnect: true })
  onTestFinished(() => redis.disconnect())
  return redis
}
const upstash = { get: async () => null, set: async () => 'OK', eval: async () => null, evalsha: async () => null }

test.each<[string, unknown, RegExp]>([
  ['a URL', 'redis://localhost', /it is string/],
  ['nothing', undefined, /it is undefined/],
  ['a client over HTTP', upstash, /scripts whose replies are bytes/],
  ['a map that calls itself a client', new Map(), /scripts whose replies are bytes/],
  ['a client with callbacks', { evalsha: () => undefined, on: () => undefined }, /neither/],
  [
    'a client of Sentinels of node-redis',
    createSentinel({ name: 'mymaster', sentinelRootNodes: [{ host: 'localhost', port: 1 }] }),
    /createClient/,
  ],
])('%s is refused as a client', (_, given, message) => {
  expect(() => redis({ client: given as Redis })).toThrow(expect.objectContaining({ code: 'option-invalid' }))
  expect(() => redis({ client: given as Redis })).toThrow(message)
})

test.each<[string, Partial<Record<keyof RedisOptions, unknown>>, RegExp]>([
  ['a prefix with a hash tag', { prefix: 'app:{x}:' }, /prefix/],
  ['no prefix', { prefix: '' }, /prefix/],
  ['a timeout of nothing', { timeout: 0 }, /timeout/],
  ['an unknown loss', { acceptLoss: 'some' }, /'last-seconds' or 'everything'/],
  ['trust that is no boolean', { trustSettings: 'yes' }, /trustSettings/],
  ['trust and loss', { trustSettings: true, acceptLoss: 'everything' }, /acceptLoss/],
  ['replicas as a number', { waitForReplicas: 2 }, /count: 1/],
  ['no replicas', { waitForReplicas: { count: 0 } }, /count/],
  ['a wait without end', { waitForReplicas: { count: 1, timeout: 0 } }, /timeout/],
  ['a wait longer than a step waits', { waitForReplicas: { count: 1, timeout: '6s' } }, /timeout/],
  ['an unknown word for replicas', { waitForReplicas: { counts: 1 } }, /count/],
  ['a subscriber of another kind', { subscriber: createClient() }, /same kind/],
  ['a subscriber that is a URL', { subscriber: 'redis://localhost' }, /same kind/],
])('%s is refused', (_, options, message) => {
  expect(() => redis({ client: client(), ...options } as RedisOptions)).toThrow(message)
})

test('an unknown option is refused, with the one that was meant', () => {
  expect(() => redis({ client: client(), prefx: 'x' } as never)).toThrow(/Did you mean "prefix"/)
})

test('it says what it can keep', () => {
  const kept = { transactional: false, durable: true, survivesFailover: false, wakesWaiters: true }
  expect(redis({ client: client() }).capabilities).toEqual(kept)
  expect(redis({ client: client(), trustSettings: true }).capabilities).toEqual(kept)
  expect(redis({ client: client(), acceptLoss: 'last-seconds' }).capabilities).toEqual({ ...kept, durable: false })
  expect(redis({ client: client(), waitForReplicas: { count: 1 } }).capabilities).toEqual(kept)
  expect(redis({ client: client(), subscriber: false }).capabilities).toEqual({ ...kept, wakesWaiters: false })
})

test('a transactional route is refused when it is set up', async () => {
  const reprise = createReprise({ store: redis({ client: client() }), principal: () => 'one' })
  const policy = { name: 'order.create', guarantee: 'transactional' } as const
  await expect(reprise.run(policy, { principal: 'one', key: 'k' }, () => 1)).rejects.toMatchObject({
    code: 'capability-missing',
    message: /redis/,
  })
})

test('a client that was never connected, or is closed, is told apart', async () => {
  const unconnected = redis({ client: createClient({ url: 'redis://127.0.0.1:1' }) })
  await expect(unconnected.migrate()).rejects.toMatchObject({ code: 'store-unavailable', message: /not connected/ })
  const closed = client()
  closed.disconnect()
  await expect(redis({ client: closed }).migrate()).rejects.toMatchObject({ code: 'store-unavailable' })
})

test('a closed store says so, and closing is not closing the client', async () => {
  const store = redis({ client: client() })
  await store.close()
  await store.close()
  await expect(store.find('a')).rejects.toMatchObject({ code: 'store-closed' })
})
