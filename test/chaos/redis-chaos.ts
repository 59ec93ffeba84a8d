/**
 * The laws of `guarded` on Redis, after chaos:
 * 1. no operation was executed twice, and each that was answered was executed;
 * 2. all its answers were equal, byte for byte;
 * 3. each record is completed or unknown, and those that are unknown are listed, and were told so.
 */
import assert from 'node:assert/strict'
import { Redis } from 'ioredis'
import { redis } from 'reprise/redis'
import { startPrivateRedis } from '../../scripts/services/redis.ts'
import type { Server } from '../../scripts/services.ts'
import { type Aftermath, chaos } from './chaos.ts'
import { everyRecord } from './every-record.ts'
import type { Fault } from './faults.ts'
import { startWitness, type Witness } from './witness.ts'

/** Where a handler that names no commit point is sent, and one that does. */
export const paths = ['/orders', '/payments'] as const

const ofServices: readonly Fault[] = ['kill-service', 'pause-service', 'kill-service']
const ofBoth: readonly Fault[] = [...ofServices, 'kill-server', 'pause-server']

export interface RedisAftermath extends Aftermath {
  readonly executions: number
  /** Operations whose outcome is still unknown. */
  readonly unknown: number
}

export interface RedisChaos {
  readonly rounds: number
  readonly seed: number
  readonly faults: 'of-services' | 'of-both'
  readonly appendfsync: 'always' | 'everysec'
}

export async function redisChaos(
  { faults, appendfsync, ...options }: RedisChaos,
  tell: (line: string) => void = () => undefined,
): Promise<RedisAftermath> {
  const witness = await startWitness()
  const server = await startPrivateRedis({ appendfsync })
  try {
    const aftermath = await chaos({
      ...options,
      server,
      faults: faults === 'of-both' ? ofBoth : ofServices,
      leaseMs: 800,
      paths,
      terms: { store: 'redis', everysec: appendfsync === 'everysec', witness: witness.url },
      tell,
    })
    return await checkLaws(server, witness, aftermath, appendfsync === 'everysec')
  } finally {
    await server.stop()
    witness.close()
  }
}

async function checkLaws(
  server: Server,
  { executions }: Witness,
  aftermath: Aftermath,
  everysec: boolean,
): Promise<RedisAftermath> {
  const { keys, told } = aftermath
  const twice = [...executions].filter(([, times]) => times > 1)
  assert.deepEqual(twice, [], 'operations executed more than once')
  assert.deepEqual(
    [...told.done.keys()].filter((key) => !executions.has(key)),
    [],
    'answered without an execution',
  )
  const unknown = keys.filter((key) => !told.done.has(key))
  assert.deepEqual(
    unknown.filter((key) => !told.unknown.has(key)),
    [],
    'operations at no end',
  )

  const client = new Redis(server.url)
  const store = redis({ client, subscriber: false, ...(everysec ? { acceptLoss: 'last-seconds' as const } : {}) })
  try {
    const listed = (await everyRecord(store, { state: 'unknown' })).map(({ id }) => id)
    assert.deepEqual(
      listed.sort(),
      unknown.map((key) => told.unknown.get(key) ?? '').sort(),
      'unknown as listed and as told',
    )
    const records = await everyRecord(store)
    assert.deepEqual(
      records.filter(({ state }) => state !== 'completed' && state !== 'unknown'),
      [],
      'records at no end',
    )
    assert.equal(records.length, keys.length)
  } finally {
    await store.close()
    client.disconnect()
  }
  return { ...aftermath, executions: executions.size, unknown: unknown.length }
}
