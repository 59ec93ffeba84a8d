/** Stopping without dropping anybody: no new connections, requests in flight get their answers, then the files close. */
import type { Clock } from './clock.ts'
import type { Ledger } from './server.ts'

/** How long requests in flight may take. Their outcomes are recorded even if their connections are cut. */
const GRACE_MS = 10_000
/** How often connections that have become idle are looked for: a client may keep one open for minutes. */
const IDLE_EVERY_MS = 50

const LEFTOVERS_MS = 1000

/** What a process offers; the real one is `process`. */
export interface Signals {
  on(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown
  exit(code?: number): void
  exitCode?: number | string | null | undefined
}

/** The first signal stops the service in good order, the second at once. */
export function stopOnSignals(ledger: Ledger, clock: Clock, signals: Signals): void {
  let stopping = false
  const stop = async (signal: string): Promise<void> => {
    if (stopping) return signals.exit(1)
    stopping = true
    endAs(await stopInOrder(ledger, clock, { signal }), clock, signals)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) signals.on(signal, () => void stop(signal))
}

/** Resolves to the exit code: 0 where everybody got an answer. */
export async function stopInOrder({ app, drain }: Ledger, clock: Clock, why: object): Promise<number> {
  app.log.info(why, 'stopping')
  drain()
  let cut = false
  const cancelIdle = clock.every(IDLE_EVERY_MS, () => app.server.closeIdleConnections())
  const cancelGrace = clock.after(GRACE_MS, () => {
    cut = true
    app.log.error('requests took too long; their connections are cut')
    app.server.closeAllConnections()
  })
  try {
    await app.close()
    app.log.info('stopped')
    return cut ? 1 : 0
  } catch (error) {
    app.log.error({ err: error }, 'stopping failed')
    return 1
  } finally {
    cancelIdle()
    cancelGrace()
  }
}

/**
 * Nothing is left that keeps the process alive, so it ends by itself, with the last lines of its log written. Should
 * something have been left, it is not waited for.
 */
export function endAs(code: number, clock: Clock, signals: Pick<Signals, 'exit' | 'exitCode'>): void {
  signals.exitCode = code
  clock.after(LEFTOVERS_MS, () => signals.exit())
}
