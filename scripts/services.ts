// Private database servers for tests, benches and chaos runs: each in a fresh folder, on a free port, gone with the
// process that started it. By hand: `node --import tsx scripts/services.ts postgres redis`.
import { pathToFileURL } from 'node:url'

export { type MariadbOptions, startMariadb, startPrivateMariadb } from './services/mariadb.ts'
export { type PgbouncerOptions, startPgbouncer } from './services/pgbouncer.ts'
export { type PostgresOptions, startPostgres, startPrivatePostgres } from './services/postgres.ts'
export { type RedisOptions, startPrivateRedis, startRedis } from './services/redis.ts'
export { type RedisCluster, type RedisClusterOptions, startRedisCluster } from './services/redis-cluster.ts'
export type { Server } from './services/server.ts'

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { runServices } = await import('./services/command.ts')
  await runServices(process.argv.slice(2))
}
