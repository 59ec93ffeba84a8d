// Several processes at one operation: whatever they do at once, one of them holds it, and each end is told once.
import type { Store } from 'reprise/engine'
import { beforeAll, expect, test } from 'vitest'
import { describeWith, sharedRedis, sharedRedisCluster } from '../services/services.ts'
import { clusterClients, singleClients } from './clients.ts'
import { anOperation, aPrefix, completed, openStore, terms } from './given.ts'

const describeBoth = await describeWith('redis', 'redis-cluster')

const places = [
  ['one node', singleClients, sharedRedis],
  ['a Cluster', clusterClients, sharedRedisCluster],
] as const

for (const [place, clients, server] of places) {
  describeBoth(`processes that share ${place}`, () => {
    let url = ''
    beforeAll(async () => {
      url = (await server()).url
    })

    /** Two processes of each client. */
    async function processes(): Promise<[Store<never>, ...Store<never>[]]> {
      const prefix = aPrefix()
      const opening = [...clients, ...clients].map(([, openClient]) => openStore(url, { prefix }, openClient))
      const stores = await Promise.all(opening)
      await Promise.all(stores.map((store) => store.migrate()))
      return stores as [Store<never>, ...Store<never>[]]
    }

    test('grant each operation to one of them, and settle it once', async () => {
      const stores = await processes()
      await Promise.all(
        Array.from({ length: 200 }, async () => {
          const operation = anOperation()
          const claims = await Promise.all(
            stores.map(async (store) => {
              const asked = terms()
              const { kind, record } = await store.claim(operation, asked)
              return { kind, store, by: { id: operation.id, attemptId: asked.attemptId, fence: record.fence } }
            }),
          )
          expect(claims.filter(({ kind }) => kind === 'granted')).toHaveLength(1)
          const ends = await Promise.all(claims.map(({ store, by }) => store.settle(by, completed(by.attemptId))))
          expect(ends.map(({ kind }) => kind).filter((kind) => kind === 'written')).toHaveLength(1)
          const winner = claims.find(({ kind }) => kind === 'granted')?.by.attemptId
          const record = await stores[0].find(operation.id)
          expect(record?.state === 'completed' && Buffer.from(record.outcome.body ?? []).toString()).toBe(winner)
        }),
      )
    })

    test('take a lapsed claim over once', async () => {
      const stores = await processes()
      await Promise.all(
        Array.from({ length: 100 }, async () => {
          const operation = anOperation()
          const lapsed = terms({ guarantee: 'resumable', leaseMs: 0 })
          await stores[0].claim(operation, lapsed)
          const claims = await Promise.all(
            stores.map((store) => store.claim(operation, terms({ guarantee: 'resumable' }))),
          )
          const granted = claims.filter(({ kind }) => kind === 'granted')
          expect(granted).toHaveLength(1)
          expect(granted[0]?.record.attempts).toBe(2)
        }),
      )
    })

    test('record steps side by side and lose none', async () => {
      const stores = await processes()
      const [operation, asked] = [anOperation(), terms({ guarantee: 'resumable' })]
      const { record } = await stores[0].claim(operation, asked)
      const by = { id: operation.id, attemptId: asked.attemptId, fence: record.fence }
      const names = Array.from({ length: 40 }, (_, n) => `step ${n}`)
      await Promise.all(names.map((name, n) => (stores[n % stores.length] ?? stores[0]).recordStep(by, name, `${n}`)))
      const found = await stores[0].find(operation.id)
      expect(found?.state === 'running' && found.steps.map(({ name }) => name).sort()).toEqual([...names].sort())
    })
  })
}
