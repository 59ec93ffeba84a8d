/** The process: environment in, exit code out. */
import { systemClock } from './clock.ts'
import { configFrom } from './config.ts'
import { buildServer, type Ledger } from './server.ts'
import { stopOnSignals } from './shutdown.ts'
import { welcome } from './welcome.ts'

let ledger: Ledger | undefined
try {
  const config = configFrom()
  ledger = await buildServer({ config })
  stopOnSignals(ledger, systemClock, process)
  const url = await ledger.app.listen({ host: config.host, port: config.port })
  process.stderr.write(welcome(config, url))
} catch (error) {
  process.stderr.write(`The ledger can't start. ${(error as Error).message}\n`)
  await ledger?.app.close()
  process.exit(1)
}
