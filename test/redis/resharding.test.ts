// A slot moves to another master while operations whose records lie in it are claimed and settled.
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Operation, Store } from 'reprise/engine'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { layoutOf, slotOf } from '../../packages/reprise/src/stores/redis/layout.ts'
import { type RedisCluster, startRedisCluster } from '../../scripts/services/redis-cluster.ts'
import { describeWith } from '../services/services.ts'
import { clusterClients } from './clients.ts'
import { anOperation, aPrefix, completed, openStore, terms } from './given.ts'

const describeCluster = await describeWith('redis-cluster')

/** Moves a slot as `redis-cli --cluster reshard` does, a key at a time. */
async function move(slot: number, from: Redis, to: Redis): Promise<void> {
  const toId = String(await to.call('CLUSTER', 'MYID'))
  await to.call('CLUSTER', 'SETSLOT', `${slot}`, 'IMPORTING', String(await from.call('CLUSTER', 'MYID')))
  await from.call('CLUSTER', 'SETSLOT', `${slot}`, 'MIGRATING', toId)
  const port = `${to.options.port}`
  for (;;) {
    const keys = (await from.call('CLUSTER', 'GETKEYSINSLOT', `${slot}`, '3')) as string[]
    if (keys.length === 0) break
    await from.call('MIGRATE', '127.0.0.1', port, '', '0', '5000', 'KEYS', ...keys)
    await sleep(2)
  }
  for (const node of [to, from]) await node.call('CLUSTER', 'SETSLOT', `${slot}`, 'NODE', toId)
}

/** Claims and settles until it is acknowledged, each step under the same attempt. */
async function settleAtLast(store: Store<never>, operation: Operation): Promise<void> {
  const asked = terms()
  for (let tries = 1; ; tries++) {
    try {
      const { record } = await store.claim(operation, asked)
      await store.settle({ ...operation, attemptId: asked.attemptId, fence: record.fence }, completed())
      return
    } catch (error) {
      if (tries === 100) throw error
      await sleep(10)
    }
  }
}

describeCluster('a slot that moves', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster({})
  })
  afterAll(() => cluster.stop())

  test.each(clusterClients)('by %s takes nothing away and does nothing twice', async (_, openClient) => {
    const prefix = aPrefix()
    const store = await openStore(cluster.url, { prefix, timeout: '2s' }, openClient)
    const layout = layoutOf(prefix)
    const shelf = layout.shelfOf('the shelf that moves')
    const slot = slotOf(/\{(.*)\}/.exec(layout.shelves[shelf]?.index ?? '')?.[1] ?? '')
    const onThatShelf = (): Operation => {
      for (;;) {
        const operation = anOperation()
        if (layout.shelfOf(operation.id) === shelf) return operation
      }
    }
    const nodes = cluster.nodes.map(({ url }) => new Redis(url))
    const operations = Array.from({ length: 30 }, onThatShelf)
    await Promise.all(operations.map((operation) => settleAtLast(store, operation)))

    let moving = true
    const workers = Array.from({ length: 5 }, async () => {
      while (moving) {
        const operation = onThatShelf()
        operations.push(operation)
        await settleAtLast(store, operation)
      }
    })
    const counts = await Promise.all(nodes.map((node) => node.call('CLUSTER', 'COUNTKEYSINSLOT', `${slot}`)))
    const from = counts.findIndex((count) => Number(count) > 0)
    await move(slot, nodes[from] as Redis, nodes[(from + 1) % nodes.length] as Redis)
    moving = false
    await Promise.all(workers)
    for (const node of nodes) node.disconnect()

    const found = await Promise.all(operations.map(({ id }) => store.find(id)))
    expect(found.filter((record) => record?.state !== 'completed' || record.attempts !== 1)).toEqual([])
    const listed = new Set((await store.list({ limit: 1000 })).items.map(({ id }) => id))
    expect(operations.filter(({ id }) => !listed.has(id))).toEqual([])
  })
})
