/** Retires expired records of operations, a bounded batch at a time, so that the file does not grow for ever. */
import type { Swept } from 'reprise'
import type { Clock } from './clock.ts'

export const SWEEP_EVERY_MS = 60_000
export const SWEEP_BATCH = 1000
/** Batches in a row. What is left after them is left to the next minute, so that requests always get their turn. */
export const SWEEP_BATCHES_MAX = 300

export interface Sweeping {
  /** Resolves once nothing is being swept any more. */
  stop(): Promise<void>
}

export function sweepRegularly(
  store: { sweep(limit: number): Promise<Swept> },
  clock: Clock,
  log: { info(facts: object, text: string): void; error(facts: object, text: string): void },
): Sweeping {
  let underWay: Promise<void> | undefined
  let stopped = false

  const sweep = async (): Promise<void> => {
    const total = { expired: 0, forgotten: 0 }
    for (let batch = 0; batch < SWEEP_BATCHES_MAX && !stopped; batch++) {
      const { expired, forgotten } = await store.sweep(SWEEP_BATCH)
      total.expired += expired
      total.forgotten += forgotten
      if (expired + forgotten < SWEEP_BATCH) break
    }
    if (total.expired + total.forgotten > 0) log.info(total, 'swept expired operations')
  }
  const cancel = clock.every(SWEEP_EVERY_MS, () => {
    underWay ??= sweep()
      .catch((error: unknown) => log.error({ err: error }, 'expired operations could not be swept'))
      .finally(() => {
        underWay = undefined
      })
  })

  return {
    stop: async () => {
      stopped = true
      cancel()
      await underWay
    },
  }
}
