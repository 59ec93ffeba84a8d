// Small lives of operations, run through the library, with an independent count of their effects.
import { createReprise, NotApplied, type Reprise, type Store } from 'reprise'

export interface Effects<Tx> {
  /** Makes the effect of a transactional operation, inside its transaction. */
  make(tx: Tx, key: string): void
  /** How often it happened, read from outside. */
  count(key: string): number
}

export interface Report {
  readonly key: string
  readonly guarantee: 'transactional' | 'guarded'
  /** What was told to callers, in order: a value, or how it ended without one. */
  readonly told: string[]
  foreign: number
}

type Run = (key: string, report: Report) => Promise<string>

/** The operations, in order. Each is sent several times; a fault may hit any call of any of them. */
export async function live<Tx>(store: Store<Tx>, effects: Effects<Tx>, reports: Map<string, Report>): Promise<void> {
  const reprise = createReprise<Tx>({ store, principal: () => 'p', replayCacheBytes: 0 })
  for (const [key, guarantee, run] of operations(reprise, effects)) {
    const report = reports.get(key) ?? { key, guarantee, told: [], foreign: 0 }
    reports.set(key, report)
    for (let sent = 0; sent < 2; sent++) {
      report.told.push(
        await run(key, report).catch((error: unknown) => `threw ${(error as Error).message.slice(0, 40)}`),
      )
    }
  }
}

function operations<Tx>(
  reprise: Reprise<Tx>,
  effects: Effects<Tx>,
): [key: string, guarantee: Report['guarantee'], run: Run][] {
  const tell = async (end: ReturnType<typeof reprise.run<string>>): Promise<string> => {
    const ended = await end
    return ended.kind === 'done' ? `value ${ended.value}` : ended.kind
  }
  const transactional = { name: 'order', guarantee: 'transactional' } as const
  const guarded = { name: 'charge', guarantee: 'guarded', lease: 60_000 } as const
  const named = { ...guarded, commitPoint: 'named' } as const
  return [
    [
      'create',
      'transactional',
      (key) =>
        tell(
          reprise.run(transactional, { principal: 'p', key }, ({ tx }) => {
            effects.make(tx, key)
            return key
          }),
        ),
    ],
    [
      'undone',
      'transactional',
      (key) =>
        tell(
          reprise.run(transactional, { principal: 'p', key }, ({ tx }) => {
            effects.make(tx, key)
            throw new NotApplied('no')
          }),
        ),
    ],
    [
      'charge',
      'guarded',
      (key, report) =>
        tell(
          reprise.run(guarded, { principal: 'p', key }, () => {
            report.foreign++
            return key
          }),
        ),
    ],
    [
      'named',
      'guarded',
      (key, report) =>
        tell(
          reprise.run(named, { principal: 'p', key }, async (attempt) => {
            await attempt.commitPoint()
            report.foreign++
            return key
          }),
        ),
    ],
    [
      'lost',
      'guarded',
      (key, report) =>
        tell(
          reprise.run(guarded, { principal: 'p', key }, () => {
            report.foreign++
            throw new Error('after the effect')
          }),
        ),
    ],
  ]
}
