/** The door `reprise/redis`: records in Redis or Valkey, one node or a Cluster, by the client that the service has. */

import { type Clock, systemClock } from '../engine/clock.ts'
import type { Duration } from '../engine/duration.ts'
import { isRepriseError, RepriseError } from '../engine/errors.ts'
import { choiceOption, durationOption, integerOption, invalid, refuseUnknown } from '../engine/options.ts'
import type { Store } from '../engine/store.ts'
import { Watchers } from '../engine/watchers.ts'
import type { Connection } from './redis/connection.ts'
import { codeOf } from './redis/faults.ts'
import { type IoredisClient, isIoredis, overIoredis } from './redis/ioredis.ts'
import { layoutOf } from './redis/layout.ts'
import { isNodeRedis, type NodeRedisClient, type NodeRedisCluster, overNodeRedis } from './redis/node-redis.ts'
import { ReplicatedSteps } from './redis/replicas.ts'
import { RedisRows } from './redis/rows.ts'
import { checkServers } from './redis/server-check.ts'
import { Wake } from './redis/wake.ts'
import { rowStore } from './rows/row-store.ts'
import { Steps } from './rows/steps.ts'
import { givenTime, serverTime } from './rows/store-time.ts'

export type { IoredisClient } from './redis/ioredis.ts'
export type { NodeRedisClient, NodeRedisCluster } from './redis/node-redis.ts'

/** A client of ioredis (`Redis`, `Cluster`) or of node-redis (`createClient`, `createCluster`). */
export type RedisClient = IoredisClient | NodeRedisClient | NodeRedisCluster

export interface RedisOptions {
  /** Yours to connect and to close. Without `waitForReplicas` nothing is sent on it that would hold it up. */
  readonly client: RedisClient
  /** What all keys and channels begin with: `reprise:` unless told. */
  readonly prefix?: string
  /**
   * A second client for subscriptions, of the same kind. Without one the store makes it by `client.duplicate()` when
   * somebody first waits for another's answer, and closes it; a Cluster's client subscribes by itself. With `false`, those
   * who wait look again every 50 ms instead.
   */
  readonly subscriber?: RedisClient | false
  /**
   * A step counts only when this many replicas have acknowledged it within `timeout` (1 s unless told); otherwise it throws
   * `store-unavailable`, and may have been applied or not.
   *
   * It makes the loss of an acknowledged step in a failover less likely, and does not rule it out: a replica acknowledges
   * from memory, and nothing makes Redis promote one that has acknowledged. WAIT holds up the connection on which it waits,
   * so give the store a client of its own.
   */
  readonly waitForReplicas?: { readonly count: number; readonly timeout?: Duration }
  /**
   * What a crash of Redis may take of what it has acknowledged; then an operation that has happened can happen again. Unless
   * told nothing may be lost, and a server that does not run with `appendonly yes` and `appendfsync always` is refused.
   *
   * `last-seconds` accepts `appendfsync everysec`, `everything` accepts any settings but an evicting `maxmemory-policy`.
   * The store no longer calls itself durable.
   */
  readonly acceptLoss?: 'last-seconds' | 'everything'
  /**
   * Where a service does not let its settings be read: you have seen that it evicts nothing and keeps what it
   * acknowledges. An evicting `maxmemory-policy` that can be read is still refused.
   */
  readonly trustSettings?: boolean
  /** How long a step waits for Redis: 5 s unless told. Then it throws `store-unavailable`. */
  readonly timeout?: Duration
  readonly clock?: Clock
}

const optionNames = [
  'client',
  'prefix',
  'subscriber',
  'waitForReplicas',
  'acceptLoss',
  'trustSettings',
  'timeout',
  'clock',
] as const satisfies readonly (keyof RedisOptions)[]

/** How long a sweep that nobody asked for, and that found nothing to do, is not tried again. */
const sweepPauseMs = 60_000
/** How many records such a sweep takes. */
const sweepLimit = 100

/**
 * A store in Redis 6.2 or later, or Valkey, for `guarded` and `resumable`: each step is one round trip, and an operation
 * runs at most once as long as Redis keeps the writes that it has acknowledged.
 *
 * Redis loses such writes in a failover, and in a power cut unless it syncs each of them; docs/redis.md says when. The
 * settings of the servers are asked for by `migrate()`, or else before the first step, which throws `server-unfit` where
 * they are not enough. Throws `option-invalid` where the client is none that the store can use. All times in records are
 * the server's.
 *
 * @example
 * const client = await createClient({ url: 'redis://localhost' }).connect()
 * const store = redis({ client })
 * await store.migrate()
 */
export function redis(options: RedisOptions): Store<never> {
  refuseUnknown('redis', options, optionNames)
  const prefix = prefixOption(options.prefix)
  const timeoutMs = durationOption('redis', 'timeout', options.timeout, { fallback: 5000, minMs: 10, maxMs: 600_000 })
  const connection = connectionOf(options)
  const replicated = replicatedOption(options.waitForReplicas, connection, timeoutMs)
  const trusted = flagOption('trustSettings', options.trustSettings)
  const acceptedLoss =
    options.acceptLoss === undefined
      ? 'nothing'
      : choiceOption('redis', 'acceptLoss', options.acceptLoss, ['last-seconds', 'everything'])
  if (trusted && acceptedLoss !== 'nothing') {
    throw new RepriseError(
      'option-invalid',
      'redis: "trustSettings" says that nothing is lost, and "acceptLoss" that something is.',
    )
  }

  const layout = layoutOf(prefix)
  const watchers = new Watchers()
  const time = options.clock === undefined ? serverTime(systemClock) : givenTime(options.clock)
  const rows = new RedisRows({
    connection,
    layout,
    replicated,
    timeoutMs,
    time,
    clock: systemClock,
    overdue: () => sweepByItself(),
  })
  const wake = new Wake(connection.listen, (id) => layout.channel(id), watchers, systemClock)
  let checked = false

  async function check(): Promise<void> {
    try {
      // The first command; a client of a Cluster knows its masters only after one.
      await rows.hear()
      await checkServers(connection, { acceptedLoss, trusted })
    } catch (error) {
      throw refusalOf(error, prefix)
    }
    checked = true
  }

  const store = rowStore({
    name: 'redis',
    capabilities: {
      transactional: false,
      durable: acceptedLoss === 'nothing',
      survivesFailover: false,
      wakesWaiters: connection.listen !== undefined,
    },
    rows,
    time,
    // A client sends what it is given at once by itself, and takes it apart again: there is nothing to gather here. Who
    // waits is woken by a record that has changed, not by every step that has come to its end.
    steps: new Steps(rows, time, systemClock, { batch: 1, lanes: Number.POSITIVE_INFINITY }, (id, to) => {
      if (to !== undefined && to?.state !== 'running') watchers.wake(id)
    }),
    migrate: async () => {
      await check()
      try {
        await rows.probe()
      } catch (error) {
        throw refusalOf(error, prefix)
      }
    },
    prepare: async () => {
      if (!checked) await check()
    },
    watch: (id, signal) => wake.watch(id, signal),
    close: () => wake.close(),
  })

  /**
   * Nothing in Redis has a time to live: records leave by a sweep alone, so that the shelves are always right. Where nobody
   * sweeps, those who write do, a little at a time, once something is an hour overdue.
   */
  let sweeping = false
  let pausedUntilMs = Number.NEGATIVE_INFINITY
  function sweepByItself(): void {
    if (sweeping || systemClock.monotonic() < pausedUntilMs) return
    sweeping = true
    const ended = (count: number): void => {
      sweeping = false
      if (count === 0) pausedUntilMs = systemClock.monotonic() + sweepPauseMs
    }
    store.sweep(sweepLimit).then(
      ({ expired, forgotten }) => ended(expired + forgotten),
      // Those who sweep on purpose are told what went wrong.
      () => ended(0),
    )
  }

  return store
}

function prefixOption(prefix: unknown = 'reprise:'): string {
  if (typeof prefix !== 'string' || !/^[^{}\s]{1,100}$/.test(prefix)) {
    throw invalid('redis', 'prefix', prefix, '1 to 100 characters without spaces and braces, such as "reprise:"')
  }
  return prefix
}

function flagOption(name: string, value: unknown = false): boolean {
  if (typeof value !== 'boolean') throw invalid('redis', name, value, 'true or false')
  return value
}

function connectionOf({ client, subscriber }: RedisOptions): Connection {
  // Clients are never shown: they hold passwords, and more than a message can take.
  if (typeof client !== 'object' || client === null) {
    throw new RepriseError('option-invalid', `redis: "client" has to be ${wantedClient}; it is ${typeof client}.`)
  }
  if (isIoredis(client)) return overIoredis(client, subscriberOption(subscriber, isIoredis))
  if (isNodeRedis(client)) return overNodeRedis(client, subscriberOption(subscriber, isNodeRedis))
  throw new RepriseError(
    'option-invalid',
    `redis: "client" has to be ${wantedClient}. This one can't run scripts whose replies are bytes: it has neither ` +
      '`callBuffer` and `pipeline`, nor `sendCommand`, `isOpen` and `subscribe`.',
  )
}

const wantedClient =
  '`new Redis()` or `new Cluster()` of ioredis, or what `createClient()` or `createCluster()` of node-redis makes'

function subscriberOption<T extends object>(
  subscriber: unknown,
  isOfKind: (client: object) => client is T,
): T | false | undefined {
  if (subscriber === undefined || subscriber === false) return subscriber
  if (typeof subscriber === 'object' && subscriber !== null && isOfKind(subscriber)) return subscriber
  throw new RepriseError(
    'option-invalid',
    'redis: "subscriber" has to be a client of the same kind as "client", or false.',
  )
}

function replicatedOption(given: unknown, connection: Connection, timeoutMs: number): ReplicatedSteps | undefined {
  if (given === undefined) return undefined
  if (typeof given !== 'object' || given === null) {
    throw invalid('redis', 'waitForReplicas', given, 'such as { count: 1, timeout: "1s" }')
  }
  refuseUnknown('redis, waitForReplicas', given, ['count', 'timeout'])
  const { count, timeout } = given as { count?: unknown; timeout?: unknown }
  const replicas = {
    count: integerOption('redis, waitForReplicas', 'count', count, { fallback: 1, min: 1, max: 100 }),
    // Not 0, which to WAIT means for ever.
    timeoutMs: durationOption('redis, waitForReplicas', 'timeout', timeout, {
      fallback: Math.min(1000, timeoutMs),
      minMs: 1,
      maxMs: timeoutMs,
    }),
  }
  if (connection.sendTogether === undefined) {
    throw new RepriseError(
      'option-invalid',
      'redis: "waitForReplicas" needs a client that finds the node of a key: `createCluster()` of node-redis 6, or ioredis.',
    )
  }
  return new ReplicatedSteps(connection, connection.sendTogether, replicas)
}

/** What the account may not do, it will not be allowed by trying again. */
function refusalOf(error: unknown, prefix: string): unknown {
  if (!isRepriseError(error) || error.code !== 'store-unavailable') return error
  const { cause } = error
  if (!(cause instanceof Error)) return error
  const refused = codeOf(cause) === 'NOPERM' || /user executing the script can't|unknown command/i.test(cause.message)
  if (!refused) return error
  return new RepriseError(
    'server-unfit',
    `The account of the client may not do what the store needs. Allow it \`~${prefix}* &${prefix}* +@read +@write ` +
      '+@scripting +@pubsub +time +info +config|get +client|id +wait`.',
    { cause },
  )
}
