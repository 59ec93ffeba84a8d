// One server of each kind, started when it is first asked for.
import type { ServiceName } from './catalogue.ts'
import { startMariadb } from './mariadb.ts'
import { startPgbouncer } from './pgbouncer.ts'
import { startPostgres } from './postgres.ts'
import { startRedis } from './redis.ts'
import { startRedisCluster } from './redis-cluster.ts'

export interface SharedServers {
  urlOf(name: ServiceName): Promise<string>
  stop(): Promise<void>
}

interface Running {
  readonly url: string
  stop(): Promise<void>
}

export function shareServers(): SharedServers {
  const running = new Map<ServiceName, Promise<Running>>()

  function start(name: ServiceName): Promise<Running> {
    switch (name) {
      case 'postgres':
        return startPostgres()
      case 'redis':
        return startRedis()
      case 'redis-cluster':
        return startRedisCluster()
      case 'mariadb':
        return startMariadb()
      case 'pgbouncer':
        return urlOf('postgres').then((postgresUrl) => startPgbouncer({ postgresUrl }))
    }
  }

  async function urlOf(name: ServiceName): Promise<string> {
    const server = running.get(name) ?? start(name)
    running.set(name, server)
    return (await server).url
  }

  return {
    urlOf,
    async stop() {
      // Those that never started have nothing to stop.
      const servers = (await Promise.allSettled(running.values())).filter((server) => server.status === 'fulfilled')
      await Promise.all(servers.map(({ value }) => value.stop()))
    },
  }
}
