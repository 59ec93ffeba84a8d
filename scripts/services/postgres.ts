// A private PostgreSQL, as durable as in production: fsync and synchronous_commit are on unless a setting says otherwise.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { accountOf } from './account.ts'
import { obtain } from './binaries.ts'
import { serverElsewhere } from './elsewhere.ts'
import { freePort } from './ports.ts'
import { makeHome, prepare, type Server, startServer } from './server.ts'

export interface PostgresOptions {
  /** Lines of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>
  readonly port?: number
  /** A folder to keep: its data are used again when there are any, and `stop` leaves it alone. */
  readonly folder?: string
}

/** `reprise`, without a password, is the server's superuser. */
export async function startPostgres(options: PostgresOptions = {}): Promise<Server> {
  return serverElsewhere('postgres') ?? startPrivatePostgres(options)
}

/** Also where the environment names another: for what kills, freezes or sets it. */
export async function startPrivatePostgres(options: PostgresOptions = {}): Promise<Server> {
  const programs = await obtain('postgres')
  const account = accountOf('postgres')
  const port = options.port ?? (await freePort())
  const home = await makeHome('postgres', account, options.folder)
  const data = join(home.path, 'data')
  if (!existsSync(join(data, 'PG_VERSION'))) {
    // The first data need not survive a power cut, only what is committed later.
    const format = ['--encoding=UTF8', '--locale=C', '--auth=trust', '--username=reprise', '--no-sync']
    await prepare(home, account, join(programs, 'initdb'), [`--pgdata=${data}`, ...format])
  }

  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    fsync: 'on',
    synchronous_commit: 'on',
    ...options.settings,
  }
  return startServer({
    name: 'postgres',
    url: `postgres://reprise@127.0.0.1:${port}/reprise`,
    port,
    home,
    account,
    program: join(programs, 'postgres'),
    args: ['-D', data, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
    haltSignal: 'SIGINT',
    stopSignal: 'SIGQUIT',
    ready: () => makeDatabase(`postgres://reprise@127.0.0.1:${port}/postgres`),
  })
}

async function makeDatabase(url: string): Promise<boolean> {
  return askPostgres(url, async (client) => {
    const { rowCount } = await client.query("select from pg_database where datname = 'reprise'")
    if (rowCount === 0) await client.query('create database reprise')
    return true
  })
}

export async function askPostgres<T>(url: string, question: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  // Without a listener, the end of a connection ends the process.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await question(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}
