/**
 * Several processes behind one address: `npm run start:cluster -- --processes 4`. This is the primary process. It prepares
 * the database, hands connections to its workers in turn, and replaces those that die; it answers no request itself.
 *
 * A connection that is being handed over at the instant in which its worker is killed is neither answered nor closed:
 * node:cluster waits for the dead. The other way, in which the workers take connections by themselves, has no such gap, but
 * gives all connections that come at once to one or two of them. A client needs a timeout anyway.
 */
import cluster from 'node:cluster'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import { systemClock, wakefulClock } from '../clock.ts'
import { type Config, configFrom } from '../config.ts'
import { openDatabase } from '../database/database.ts'
import { prepareDatabase } from '../database/prepare.ts'
import { onSignals } from '../shutdown.ts'
import { welcome } from '../welcome.ts'
import { processesFrom } from './arguments.ts'
import { type Child, type Fate, type Supervisor, supervise } from './supervisor.ts'
import { STOP } from './words.ts'

start().catch((error: unknown) => {
  process.stderr.write(`The ledger can't start. ${(error as Error).message}\n`)
  process.exitCode = 1
})

async function start(): Promise<void> {
  const count = processesFrom(process.argv.slice(2))
  const config = configFrom()
  if (config.database.kind === 'sqlite') {
    throw new Error(
      'Several processes need PostgreSQL: set DATABASE_URL. ' +
        'A SQLite file has one writer at a time, so that one process (npm start) serves it best.',
    )
  }
  await prepare(config)
  await run(count, config)
}

/** Once, and before any worker: they find it done, also while the database is away. */
async function prepare(config: Config): Promise<void> {
  const database = await openDatabase(config.database, () => undefined)
  try {
    await prepareDatabase(database, config.keys, systemClock)
  } finally {
    await database.close()
  }
}

async function run(count: number, config: Config): Promise<void> {
  // Fastify brings the logger, and the workers write the same lines.
  const { log } = Fastify({ logger: { level: config.logLevel } })
  const port = config.port === 0 ? await anyPort(config.host) : config.port
  const supervisor = supervise({
    count,
    start: (number, fate) => startWorker(number, port, fate),
    clock: wakefulClock,
    log,
  })
  stopOnSignals(supervisor)
  try {
    await supervisor.serving
  } catch (error) {
    supervisor.kill()
    throw error
  }
  process.stderr.write(welcome(config, `http://${shown(config.host)}:${port}`, count))
}

/** The first signal stops all in good order, the second at once. */
function stopOnSignals(supervisor: Supervisor): void {
  const stop = async (): Promise<void> => {
    process.exitCode = (await supervisor.stop()) ? 0 : 1
  }
  const kill = (): void => {
    supervisor.kill()
    process.exit(1)
  }
  onSignals(process, systemClock, { first: () => void stop(), again: kill })
}

/** Workers share what they listen on when they ask for the same port, and port 0 is another for each that comes later. */
async function anyPort(host: string): Promise<number> {
  const probe = createServer().listen(0, host)
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

function startWorker(number: number, port: number, fate: Fate): Child {
  const exec = fileURLToPath(new URL(`./worker${import.meta.url.slice(-3)}`, import.meta.url))
  cluster.setupPrimary({ exec, args: [String(number)] })
  const worker = cluster.fork({ PORT: String(port) })
  worker.on('listening', () => fate.serving())
  worker.on('error', () => undefined)
  worker.on('exit', (code, signal) => fate.ended({ code, signal }))
  return {
    pid: worker.process.pid,
    stop: () => void worker.send(STOP, () => undefined),
    kill: () => void worker.process.kill('SIGKILL'),
  }
}

function shown(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
