// A private PgBouncer in front of a PostgreSQL.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { accountOf, giveTo } from './account.ts'
import { obtain } from './binaries.ts'
import { serverElsewhere } from './elsewhere.ts'
import { freePort } from './ports.ts'
import { askPostgres } from './postgres.ts'
import { makeHome, type Server, startServer } from './server.ts'

export interface PgbouncerOptions {
  readonly postgresUrl: string
  readonly poolMode?: 'session' | 'transaction' | 'statement'
  /** Lines of the section [pgbouncer]. */
  readonly settings?: Readonly<Record<string, string>>
}

export async function startPgbouncer({ postgresUrl, ...options }: PgbouncerOptions): Promise<Server> {
  const other = serverElsewhere('pgbouncer')
  if (other !== undefined) return other

  const programs = await obtain('pgbouncer')
  const account = accountOf('postgres')
  const port = await freePort()
  const home = await makeHome('pgbouncer', account)
  const behind = new URL(postgresUrl)
  const file = join(home.path, 'pgbouncer.ini')
  const settings: Record<string, string> = {
    listen_addr: '127.0.0.1',
    listen_port: String(port),
    unix_socket_dir: '',
    // Every client becomes the user that the database's line names.
    auth_type: 'any',
    pool_mode: options.poolMode ?? 'transaction',
    max_client_conn: '1000',
    default_pool_size: '20',
    ...options.settings,
  }
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}`)
  await writeFile(file, ['[databases]', `* = ${target(behind)}`, '[pgbouncer]', ...lines, ''].join('\n'), {
    mode: 0o600,
  })
  await giveTo(account, file)

  const url = new URL(`postgres://127.0.0.1:${port}${behind.pathname}`)
  url.username = behind.username
  return startServer({
    name: 'pgbouncer',
    url: url.href,
    port,
    home,
    account,
    program: join(programs, 'pgbouncer'),
    args: [file],
    haltSignal: 'SIGTERM',
    stopSignal: 'SIGKILL',
    ready: () => askPostgres(url.href, async (client) => (await client.query('select 1')).rowCount === 1),
  })
}

function target(behind: URL): string {
  const values = {
    host: behind.hostname,
    port: behind.port || '5432',
    user: decodeURIComponent(behind.username),
    password: decodeURIComponent(behind.password),
  }
  return Object.entries(values)
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `${key}='${value.replaceAll("'", "''")}'`)
    .join(' ')
}
