/** The process: environment in, exit code out. */
import { systemClock } from './clock.ts'
import { type Config, configFrom } from './config.ts'
import { buildServer, type Ledger } from './server.ts'
import { stopOnSignals } from './shutdown.ts'

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

/** Built-in keys are shown, since they are no secret. Of other keys nothing is said but whose they are. */
function welcome({ keys, keysAre }: Config, url: string): string {
  const callers =
    keysAre === 'built-in'
      ? 'Development keys, known to everybody who reads the source:\n' +
        keys.map(({ principal, key }) => `  ${principal.padEnd(8)} Authorization: Bearer ${key}\n`).join('')
      : `Principals with keys of their own: ${[...new Set(keys.map(({ principal }) => principal))].join(', ')}\n`
  return `\nThe ledger listens at ${url}. Read about it at ${url}/docs.\n${callers}\n`
}
