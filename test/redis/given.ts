// What tests of the store on Redis start from.
import { hash } from 'node:crypto'
import { Redis } from 'ioredis'
import type { Ending, Operation, Store, Terms } from 'reprise/engine'
import { type RedisOptions, redis } from 'reprise/redis'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { startPrivateRedis } from '../../scripts/services/redis.ts'
import type { Server } from '../../scripts/services/server.ts'
import { type OpenClient, openIoredis } from './clients.ts'

let made = 0

export function aPrefix(): string {
  return `test-${process.pid}-${++made}:`
}

export function anOperation(chosen: Partial<Operation> = {}): Operation {
  return {
    id: hash('sha256', `${process.pid} ${++made}`, 'base64url'),
    name: 'order.create',
    fingerprint: 'v1',
    ...chosen,
  }
}

export function terms(chosen: Partial<Terms> = {}): Terms {
  return { attemptId: `attempt ${++made}`, guarantee: 'guarded', leaseMs: 60_000, begun: false, ...chosen }
}

export function completed(body: string | Uint8Array = 'done', chosen: object = {}): Ending {
  const outcome = { status: 201, headers: [], body: typeof body === 'string' ? new TextEncoder().encode(body) : body }
  return { kind: 'completed', outcome, retentionMs: 3_600_000, tombstoneMs: 86_400_000, ...chosen }
}

/** A store over a client of its own, both closed at the end of the test. */
export async function openStore(
  url: string,
  options: Partial<RedisOptions> = {},
  openClient: OpenClient = openIoredis,
): Promise<Store<never>> {
  const { client, cut } = await openClient(url)
  const store = redis({ client, prefix: aPrefix(), ...options })
  onTestFinished(async () => {
    await store.close()
    cut()
  })
  return store
}

/** Claims an operation and settles it. */
export async function settle(store: Store<never>, operation: Operation = anOperation(), ending: Ending = completed()) {
  const asked = terms()
  const { kind, record } = await store.claim(operation, asked)
  if (kind !== 'granted') throw new Error(`${operation.id} was ${record.state}.`)
  return store.settle({ id: operation.id, attemptId: asked.attemptId, fence: record.fence }, ending)
}

/** A server of their own for the tests of a block, whose settings and connections are nobody else's, and a client for that. */
export function privateServer(): { readonly server: Server; readonly admin: Redis } {
  const its: { server?: Server; admin?: Redis } = {}
  beforeAll(async () => {
    its.server = await startPrivateRedis()
    its.admin = new Redis(its.server.url)
  })
  afterAll(async () => {
    its.admin?.disconnect()
    await its.server?.stop()
  })
  return its as { server: Server; admin: Redis }
}
