// A private MariaDB, with InnoDB as durable as in production.
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { accountOf, giveTo } from './account.ts'
import { folderOf, obtain } from './binaries.ts'
import { serverElsewhere } from './elsewhere.ts'
import { freePort } from './ports.ts'
import { makeHome, prepare, type Server, startServer } from './server.ts'

export interface MariadbOptions {
  /** Options of mariadbd, without their dashes. */
  readonly settings?: Readonly<Record<string, string>>
  readonly port?: number
  /** A folder to keep: its data are used again when there are any, and `stop` leaves it alone. */
  readonly folder?: string
}

// Runs at every start, before the first connection.
const WELCOME = `
create database if not exists reprise;
create user if not exists reprise@'127.0.0.1' identified by 'reprise';
grant all on *.* to reprise@'127.0.0.1' with grant option;
`

/** `reprise`, with the password `reprise`, may do everything. */
export async function startMariadb(options: MariadbOptions = {}): Promise<Server> {
  return serverElsewhere('mariadb') ?? startPrivateMariadb(options)
}

/** Also where the environment names another: for what kills, freezes or sets it. */
export async function startPrivateMariadb(options: MariadbOptions = {}): Promise<Server> {
  const programs = await obtain('mariadb')
  const account = accountOf('mysql')
  const port = options.port ?? (await freePort())
  const home = await makeHome('mariadb', account, options.folder)
  const data = join(home.path, 'data')
  const welcome = join(home.path, 'welcome.sql')
  await writeFile(welcome, WELCOME)
  await giveTo(account, welcome)
  if (!existsSync(join(data, 'mysql'))) {
    const script = folderOf(['mariadb-install-db'])
    if (script === undefined) throw new Error('mariadbd is installed without mariadb-install-db')
    await prepare(home, account, join(script, 'mariadb-install-db'), [
      '--no-defaults',
      `--datadir=${data}`,
      '--auth-root-authentication-method=normal',
      '--skip-name-resolve',
      '--skip-test-db',
    ])
  }

  const settings: Record<string, string> = {
    datadir: data,
    port: String(port),
    'bind-address': '127.0.0.1',
    socket: join(home.path, 'socket'),
    'pid-file': join(home.path, 'pid'),
    'init-file': welcome,
    'skip-name-resolve': 'on',
    'max-connections': '200',
    'character-set-server': 'utf8mb4',
    'innodb-flush-log-at-trx-commit': '1',
    'sync-binlog': '1',
    ...options.settings,
  }
  return startServer({
    name: 'mariadb',
    url: `mysql://reprise:reprise@127.0.0.1:${port}/reprise`,
    port,
    home,
    account,
    program: join(programs, 'mariadbd'),
    args: ['--no-defaults', ...Object.entries(settings).map(([key, value]) => `--${key}=${value}`)],
    haltSignal: 'SIGTERM',
    stopSignal: 'SIGKILL',
    ready: () => greets(port),
  })
}

/** The server speaks first: its greeting begins with the protocol's version, 10, after a head of four bytes. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.setTimeout(5_000, () => socket.destroy())
    socket.on('error', () => resolve(false))
    socket.on('close', () => resolve(false))
    socket.once('data', (greeting) => {
      resolve(greeting[4] === 10)
      socket.destroy()
    })
  })
}
