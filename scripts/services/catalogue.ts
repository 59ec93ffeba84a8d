// Which servers there are, and where each comes from.

export const serviceNames = ['postgres', 'redis', 'redis-cluster', 'mariadb', 'pgbouncer'] as const
export type ServiceName = (typeof serviceNames)[number]

export interface Service {
  /** Names a server of one's own to use instead of a private one. */
  readonly variable: string
  /** Programs that must stand in one folder. */
  readonly programs: readonly string[]
  readonly debianPackage: string
}

export const catalogue: Readonly<Record<ServiceName, Service>> = {
  postgres: { variable: 'TEST_POSTGRES_URL', programs: ['postgres', 'initdb'], debianPackage: 'postgresql' },
  redis: { variable: 'TEST_REDIS_URL', programs: ['redis-server'], debianPackage: 'redis-server' },
  'redis-cluster': {
    variable: 'TEST_REDIS_CLUSTER_URL',
    programs: ['redis-server'],
    debianPackage: 'redis-server',
  },
  mariadb: { variable: 'TEST_MYSQL_URL', programs: ['mariadbd'], debianPackage: 'mariadb-server' },
  pgbouncer: { variable: 'TEST_PGBOUNCER_URL', programs: ['pgbouncer'], debianPackage: 'pgbouncer' },
}

/** The URL of the server that the environment names, if it names one. */
export function urlFromEnvironment(name: ServiceName): string | undefined {
  return process.env[catalogue[name].variable] || undefined
}
