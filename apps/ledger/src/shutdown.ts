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
  const stop = async (signal: string): Promise<void> =>
    endAs(await stopInOrder(ledger, clock, { signal }), clock, signals)
  onSignals(signals, clock, { first: (signal) => void stop(signal), again: () => signals.exit(1) })
}

/** A terminal signals all processes of its group, and npm passes on what it gets: Ctrl-C arrives twice and means one thing. */
const SAME_SIGNAL_MS = 250

/** Tells the first request to stop from a later one. */
export function onSignals(
  signals: Pick<Signals, 'on'>,
  clock: Clock,
  { first, again }: { readonly first: (signal: string) => void; readonly again: () => void },
): void {
  let firstMs: number | undefined
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    signals.on(signal, () => {
      const nowMs = clock.now().getTime()
      if (firstMs === undefined) {
        firstMs = nowMs
        first(signal)
      } else if (nowMs - firstMs > SAME_SIGNAL_MS) again()
    })
  }
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
