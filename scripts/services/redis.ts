// A private Redis that keeps what it acknowledged: each write is on disk before its reply, and nothing is evicted.
import { join } from 'node:path'
import { accountOf } from './account.ts'
import { obtain } from './binaries.ts'
import { serverElsewhere } from './elsewhere.ts'
import { freePort } from './ports.ts'
import { askRedis } from './redis-ask.ts'
import { makeHome, type Server, startServer } from './server.ts'

export interface RedisOptions {
  readonly appendfsync?: 'always' | 'everysec' | 'no'
  /** Lines of redis.conf. */
  readonly settings?: Readonly<Record<string, string>>
  readonly port?: number
  /** A folder to keep: its data are used again when there are any, and `stop` leaves it alone. */
  readonly folder?: string
}

export async function startRedis(options: RedisOptions = {}): Promise<Server> {
  return serverElsewhere('redis') ?? startPrivateRedis(options)
}

/** Also where the environment names another: for what kills, freezes or sets it. */
export async function startPrivateRedis(options: RedisOptions = {}): Promise<Server> {
  const programs = await obtain('redis')
  const account = accountOf('redis')
  const port = options.port ?? (await freePort())
  const home = await makeHome('redis', account, options.folder)
  const settings: Record<string, string> = {
    bind: '127.0.0.1',
    port: String(port),
    dir: home.path,
    appendonly: 'yes',
    appendfsync: options.appendfsync ?? 'always',
    save: '',
    'maxmemory-policy': 'noeviction',
    ...options.settings,
  }
  return startServer({
    name: 'redis',
    url: `redis://127.0.0.1:${port}`,
    port,
    home,
    account,
    program: join(programs, 'redis-server'),
    args: Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]),
    haltSignal: 'SIGTERM',
    stopSignal: 'SIGKILL',
    ready: async () => (await askRedis(port, 'PING')) === 'PONG',
  })
}
