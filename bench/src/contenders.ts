/** Who takes part: where its data live, whether it promises replays, and where its code is. */

import type { Express } from 'express'
import type { FastifyInstance } from 'fastify'

/** `nowhere`, a fresh SQLite file, a fresh database of PostgreSQL, or a numbered one of Redis. */
export type Home = 'nowhere' | 'file' | 'postgres' | 'redis'

/** Puts the contender into an application. It gets the path or the URL of its home. */
type Serve<App> = (app: App, place: string) => Promise<void> | void

export type Contender = { readonly home: Home; readonly replays: boolean } & (
  | { readonly framework: 'fastify'; readonly load: () => Promise<Serve<FastifyInstance>> }
  | { readonly framework: 'express'; readonly load: () => Promise<Serve<Express>> }
)

// Loaded when asked for: no contender carries the others' code about.
const contenders: Readonly<Record<string, Contender>> = {
  nothing: onFastify('nowhere', 'runs again', async () => (await import('./contenders/nothing.ts')).nothing),

  'bare-sqlite': onFastify('file', 'runs again', async () => (await import('./contenders/bare-sqlite.ts')).bareSqlite),
  'reprise-sqlite': onFastify('file', 'replays', async () => (await repriseSqlite()).asByDefault),
  'reprise-sqlite-uncached': onFastify('file', 'replays', async () => (await repriseSqlite()).withoutReplayCache),

  'bare-postgres': onFastify('postgres', 'runs again', async () => (await barePostgres()).alone),
  'bare-postgres-outcome': onFastify('postgres', 'runs again', async () => (await barePostgres()).withOutcome),
  'bare-postgres-js': onFastify(
    'postgres',
    'runs again',
    async () => (await import('./contenders/bare-postgres-js.ts')).barePostgresJs,
  ),
  'unbatched-postgres': onFastify(
    'postgres',
    'replays',
    async () => (await import('./contenders/unbatched-postgres.ts')).unbatchedPostgres,
  ),
  'reprise-postgres': onFastify('postgres', 'replays', async () => (await reprisePostgres()).transactional),
  'reprise-postgres-guarded': onFastify('postgres', 'replays', async () => (await reprisePostgres()).guarded),
  'reprise-postgres-uncached': onFastify(
    'postgres',
    'replays',
    async () => (await reprisePostgres()).withoutReplayCache,
  ),
  'reprise-postgres-js': onFastify(
    'postgres',
    'replays',
    async () => (await import('./contenders/reprise-postgres-js.ts')).reprisePostgresJs,
  ),
  dbos: onFastify('postgres', 'replays', async () => (await import('./contenders/dbos.ts')).dbos),

  'raw-ioredis': onFastify('redis', 'replays', async () => (await rawRedis()).overIoredis),
  'raw-node-redis': onFastify('redis', 'replays', async () => (await rawRedis()).overNodeRedis),
  'reprise-ioredis': onFastify('redis', 'replays', async () => (await repriseRedis()).overIoredis),
  'reprise-node-redis': onFastify('redis', 'replays', async () => (await repriseRedis()).overNodeRedis),
  'reprise-node-redis-uncached': onFastify('redis', 'replays', async () => (await repriseRedis()).withoutReplayCache),
  'node-idempotency': onFastify(
    'redis',
    'replays',
    async () => (await import('./contenders/node-idempotency.ts')).nodeIdempotency,
  ),
  powertools: onFastify('redis', 'replays', async () => (await import('./contenders/powertools.ts')).powertools),
  'reprise-express': onExpress(
    'redis',
    'replays',
    async () => (await import('./contenders/reprise-redis-express.ts')).repriseRedisExpress,
  ),
  'express-idempotency': onExpress(
    'redis',
    'replays',
    async () => (await import('./contenders/express-idempotency.ts')).expressIdempotency,
  ),
}

export function contenderNamed(name: string): Contender {
  const contender = contenders[name]
  if (contender === undefined) throw new Error(`Unknown contender "${name}".`)
  return contender
}

type OnRetry = 'replays' | 'runs again'

function onFastify(home: Home, onRetry: OnRetry, load: () => Promise<Serve<FastifyInstance>>): Contender {
  return { framework: 'fastify', home, replays: onRetry === 'replays', load }
}

function onExpress(home: Home, onRetry: OnRetry, load: () => Promise<Serve<Express>>): Contender {
  return { framework: 'express', home, replays: onRetry === 'replays', load }
}

const repriseSqlite = () => import('./contenders/reprise-sqlite.ts')
const barePostgres = () => import('./contenders/bare-postgres.ts')
const reprisePostgres = () => import('./contenders/reprise-postgres.ts')
const rawRedis = () => import('./contenders/raw-redis.ts')
const repriseRedis = () => import('./contenders/reprise-redis.ts')
