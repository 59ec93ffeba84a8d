// The servers that other tests rely on: they answer, keep what they acknowledged, and leave nothing behind.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Cluster, Redis } from 'ioredis'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { urlFromEnvironment } from '../../scripts/services/catalogue.ts'
import { isFree } from '../../scripts/services/ports.ts'
import { childrenOf, isRunning } from '../../scripts/services/process-tree.ts'
import { until } from '../../scripts/services/until.ts'
import {
  type Server,
  startPostgres,
  startPrivateMariadb,
  startPrivatePostgres,
  startPrivateRedis,
  startRedisCluster,
} from '../../scripts/services.ts'
import { root } from '../repo.ts'
import {
  describeWith,
  sharedMariadb,
  sharedPgbouncer,
  sharedPostgres,
  sharedRedis,
  sharedRedisCluster,
} from './services.ts'

/** A server for a block of tests. */
function own<S extends { stop(): Promise<void> }>(start: () => Promise<S>): () => S {
  let server: S | undefined
  beforeAll(async () => {
    server = await start()
  })
  afterAll(() => server?.stop())
  return () => {
    if (server === undefined) throw new Error('not started')
    return server
  }
}

async function expectToStop(server: Server): Promise<void> {
  expect([await isFree(server.port), existsSync(server.folder)]).toEqual([false, true])
  await server.stop()
  expect([await isFree(server.port), existsSync(server.folder)]).toEqual([true, false])
  await expect(server.restart()).rejects.toThrow('its folder is gone')
}

async function onPostgres<T>(url: string, action: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url)
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await action(client)
  } finally {
    await client.end()
  }
}

async function onRedis<T>(url: string, action: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url)
  return action(client).finally(() => client.disconnect())
}

async function onMariadb<T>(url: string, action: (connection: mysql.Connection) => Promise<T>): Promise<T> {
  const connection = await mysql.createConnection(url)
  return action(connection).finally(() => connection.destroy())
}

const describeAll = await describeWith('postgres', 'redis', 'redis-cluster', 'mariadb', 'pgbouncer')

describeAll('shared servers', () => {
  test('PostgreSQL answers, and is durable', async () => {
    const { url } = await sharedPostgres()
    const durable = await onPostgres(url, (client) =>
      client.query("select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit"),
    )
    expect(durable.rows).toEqual([{ fsync: 'on', commit: 'on' }])
  })

  test('Redis answers, and is durable', async () => {
    const { url } = await sharedRedis()
    expect(await onRedis(url, (client) => client.config('GET', 'append*'))).toEqual(
      expect.arrayContaining(['appendonly', 'yes', 'appendfsync', 'always']),
    )
  })

  test('the Redis cluster serves keys of every master', async () => {
    const { url } = await sharedRedisCluster()
    const cluster = new Cluster(url.split(','))
    const keys = Array.from({ length: 50 }, (_, index) => `services-test:${index}`)
    for (const key of keys) await cluster.set(key, key)
    expect(await Promise.all(keys.map((key) => cluster.get(key)))).toEqual(keys)
    expect(cluster.nodes('master').length).toBeGreaterThan(1)
    cluster.disconnect()
  })

  test('MariaDB answers, and its user may create databases', async () => {
    const { url } = await sharedMariadb()
    await onMariadb(url, async (connection) => {
      await connection.query('create database services_test')
      await connection.query('drop database services_test')
    })
  })

  test('PgBouncer shares one connection between clients', async () => {
    const [{ url }, postgres] = await Promise.all([sharedPgbouncer(), sharedPostgres()])
    expect(url).not.toBe(postgres.url)
    const backend = () =>
      onPostgres(url, async (client) => (await client.query('select pg_backend_pid() as pid')).rows[0].pid)
    expect(await backend()).toBe(await backend())
  })

  test('a kind has one server, whoever asks', async () => {
    expect(await sharedRedis()).toEqual(await sharedRedis())
  })
})

const named = (['postgres', 'redis', 'redis-cluster', 'mariadb'] as const).filter((name) => urlFromEnvironment(name))
if (named.length > 0)
  console.error(`\nSKIPPED TESTS of what starts servers: the environment names its own ${named.join()}\n`)
/** For what starts none where the environment names another. */
const describeUnnamed = named.length > 0 ? describe.skip : describeAll

// The tests of each block build on one another.
describeAll('a private PostgreSQL', () => {
  const owned = own(() => startPrivatePostgres({ settings: { work_mem: '5MB' } }))

  test('keeps what it committed through kill -9, and no backend survives', async () => {
    const server = owned()
    const postmaster = server.pid ?? 0
    const open = new pg.Client(server.url)
    open.on('error', () => undefined)
    await open.connect()
    await open.query('create table kept (n int)')
    await open.query('insert into kept values (1)')
    await open.query('begin')
    await open.query('insert into kept values (2)')
    // A backend that computes does not notice its postmaster's death.
    const busy = open.query('select count(*) from generate_series(1, 1000000000)').catch((error: Error) => error)
    const backends = childrenOf(postmaster)

    await server.kill()
    expect(backends.length).toBeGreaterThan(4)
    expect([postmaster, ...backends].filter(isRunning)).toEqual([])
    expect(await busy).toBeInstanceOf(Error)
    expect(server.pid).toBeUndefined()

    await server.restart()
    expect(server.pid).not.toBe(postmaster)
    const kept = await onPostgres(server.url, (client) =>
      client.query("select n, current_setting('work_mem') from kept"),
    )
    expect(kept.rows).toEqual([{ n: 1, current_setting: '5MB' }])
  })

  test('answers nobody while it is paused, and keeps its connections', async () => {
    const server = owned()
    await onPostgres(server.url, async (client) => {
      server.pause()
      let answered = false
      const answer = client.query('select 1 as one').finally(() => {
        answered = true
      })
      expect(await until(() => answered, 200)).toBe(false)
      server.resume()
      expect((await answer).rows).toEqual([{ one: 1 }])
    })
  })

  test('stops, even while it is paused', async () => {
    owned().pause()
    await expectToStop(owned())
  })
})

describeAll('a private Redis', () => {
  const owned = own(() => startPrivateRedis())

  test('keeps what it acknowledged through kill -9', async () => {
    const server = owned()
    await onRedis(server.url, (client) => client.set('kept', '1'))
    await server.kill()
    await server.restart()
    expect(await onRedis(server.url, (client) => client.get('kept'))).toBe('1')
  })

  test('stops', () => expectToStop(owned()))
})

describeAll('a private MariaDB', () => {
  const owned = own(() => startPrivateMariadb())

  test('keeps what it committed through kill -9', async () => {
    const server = owned()
    await onMariadb(server.url, async (connection) => {
      await connection.query('create table kept (n int)')
      await connection.query('insert into kept values (1)')
    })
    await server.kill()
    await server.restart()
    const rows = await onMariadb(server.url, async (connection) => (await connection.query('select n from kept'))[0])
    expect(rows).toEqual([{ n: 1 }])
  })

  test('stops', () => expectToStop(owned()))
})

describeUnnamed('a private Redis cluster', () => {
  const owned = own(() => startRedisCluster({ masters: 3 }))

  test('is whole again after a node was killed', async () => {
    const [node] = owned().nodes
    await node?.kill()
    await node?.restart()
    await owned().whole()
  })
})

describeUnnamed('scripts/services.ts', () => {
  test.for(['SIGKILL', 'SIGINT'] as const)('leaves nothing behind when it gets %s', async (signal) => {
    const command = ['--import', 'tsx', 'scripts/services.ts', 'postgres', 'redis']
    const script = spawn(process.execPath, command, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    const urls = new Map<string, string>()
    for await (const line of createInterface(script.stdout)) {
      const [, variable = '', url = ''] = /^export (\w+)='(.*)'$/.exec(line) ?? []
      urls.set(variable, url)
      if (urls.size === 2) break
    }
    const postgres = urls.get('TEST_POSTGRES_URL') ?? ''
    const redis = urls.get('TEST_REDIS_URL') ?? ''
    const folders = [
      await onPostgres(postgres, async (client) => (await client.query('show data_directory')).rows[0].data_directory),
      ((await onRedis(redis, (client) => client.config('GET', 'dir'))) as string[])[1] ?? '',
    ]
    expect(folders.every(existsSync)).toBe(true)

    script.kill(signal)
    const ports = [postgres, redis].map((url) => Number(new URL(url).port))
    const nothingLeft = async () => (await Promise.all(ports.map(isFree))).every(Boolean) && !folders.some(existsSync)
    expect(await until(nothingLeft, 10_000)).toBe(true)
  })
})

describe('a server that the environment names', () => {
  afterEach(() => vi.unstubAllEnvs())

  test('is used, and neither killed nor stopped', async () => {
    vi.stubEnv('TEST_POSTGRES_URL', 'postgres://someone@database.example:5433/theirs')
    const server = await startPostgres()
    expect(server).toMatchObject({ url: 'postgres://someone@database.example:5433/theirs', port: 5433 })
    await expect(server.kill()).rejects.toThrow('Unset TEST_POSTGRES_URL')
    expect(() => server.pause()).toThrow('Unset TEST_POSTGRES_URL')
    await server.stop()
  })
})
