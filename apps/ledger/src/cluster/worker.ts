/** One of the processes behind the address of a cluster, as main.ts starts them. Its argument is its number. */
import cluster from 'node:cluster'
import { systemClock } from '../clock.ts'
import { configFrom } from '../config.ts'
import { buildServer, type Ledger } from '../server.ts'
import { endAs, stopInOrder } from '../shutdown.ts'
import { STOP } from './words.ts'

const number = Number(process.argv[2])
let ledger: Ledger | undefined
try {
  const config = configFrom()
  ledger = await buildServer({ config, member: { number, pid: process.pid }, prepared: true })
  stopWhenAsked(ledger)
  await ledger.app.listen({ host: config.host, port: config.port })
} catch (error) {
  process.stderr.write(`Process ${number} of the ledger can't start. ${(error as Error).message}\n`)
  await ledger?.app.close()
  process.exit(1)
}

/**
 * However often it is asked, it stops once and in good order: a terminal signals all processes at once, and so does many a
 * service manager, while the primary asks as well. To hurry is up to the primary, which kills.
 */
function stopWhenAsked(ledger: Ledger): void {
  let stopping = false
  const stop = async (why: object): Promise<void> => {
    if (stopping) return
    stopping = true
    const code = await stopInOrder(ledger, systemClock, why)
    // The line to the primary is the last thing that keeps this process alive.
    cluster.worker?.disconnect()
    endAs(code, systemClock, process)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop({ signal }))
  process.on('message', (message) => {
    if (message === STOP) void stop({ asked: 'by the primary' })
  })
}
