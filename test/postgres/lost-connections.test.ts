// Connections that break at every point of an attempt. Whatever the point, there is one effect in the end and one answer, no
// connection is missing, no lock is held, and no error ends the process.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWith, sharedPostgres } from '../services/services.ts'
import { type Outside, outside, ownDatabase, tableName } from './given.ts'
import { type Library, libraries, open, type Process, told } from './libraries.ts'
import { type Fate, startProxy, type Wire } from './proxy.ts'

const describePostgres = await describeWith('postgres')

interface Point {
  readonly at: string
  readonly text?: RegExp
  readonly fate: Fate | 'cut-idle' | 'cut-later'
  /** What the first caller is told; a retry then gets the outcome in any case. */
  readonly told: RegExp
  /** Whether the effect stands before anybody retries. */
  readonly effects: 0 | 1
}

const nothing = /^threw (?:store-unavailable|transaction-ended|CONNECTION_CLOSED|ECONNRESET|Connection terminated.*)$/
const transactional: readonly Point[] = [
  { at: 'before BEGIN arrives', text: /^begin/, fate: 'cut-before', told: nothing, effects: 0 },
  { at: 'when the answer to BEGIN is lost', text: /^begin/, fate: 'cut-after', told: nothing, effects: 0 },
  { at: 'when the first look is lost', text: /reprise_look|pg_try_adv/, fate: 'cut-after', told: nothing, effects: 0 },
  { at: 'while the handler does something else', fate: 'cut-idle', told: nothing, effects: 0 },
  { at: 'before a statement arrives', text: /into effects/, fate: 'cut-before', told: nothing, effects: 0 },
  { at: 'when the answer to a statement is lost', text: /into effects/, fate: 'cut-after', told: nothing, effects: 0 },
  { at: 'before COMMIT arrives', text: /commit$/, fate: 'cut-before', told: /^threw store-unavailable$/, effects: 0 },
  { at: 'when the answer to COMMIT is lost', text: /commit$/, fate: 'cut-after', told: /^done made$/, effects: 1 },
  { at: 'after COMMIT is acknowledged', fate: 'cut-later', told: /^done made$/, effects: 1 },
]
const exchange = /with asked as/

/** Cuts, and waits until the client has noticed. */
async function cut(wire: Wire): Promise<void> {
  wire.cut()
  await new Promise((resolve) => setTimeout(resolve, 20))
}
const guarded: readonly Point[] = [
  { at: 'before the claim arrives', text: exchange, fate: 'cut-before', told: /^done made$/, effects: 1 },
  { at: 'when the answer to the claim is lost', text: exchange, fate: 'cut-after', told: /^done made$/, effects: 1 },
]

describePostgres('a connection that breaks', () => {
  let seen: Outside
  let proxy: Wire
  let resetting: Wire

  beforeAll(async () => {
    const url = await ownDatabase((await sharedPostgres()).url)
    seen = await outside(url)
    proxy = await startProxy(url)
    resetting = await startProxy(url)
    resetting.resets()
  })
  afterAll(async () => {
    await proxy?.close()
    await resetting?.close()
    await seen?.end()
  })

  const cases = libraries.flatMap((library) =>
    (['closed', 'reset'] as const).map((manner) => [library, manner] as const),
  )

  async function withProcess(
    library: Library,
    manner: 'closed' | 'reset',
    check: (process: Process, wire: Wire, key: string) => Promise<void>,
  ): Promise<void> {
    const wire = manner === 'closed' ? proxy : resetting
    const process = await open(library, wire.url, { table: tableName(), busyTimeout: 1000 })
    try {
      await check(process, wire, tableName())
      await process.idle()
      await seen.noLocks()
    } finally {
      await process.close()
    }
  }

  for (const [library, manner] of cases) {
    describePostgres(`of ${library}, ${manner}`, () => {
      test.each(transactional)('transactional: $at', (point) =>
        withProcess(library, manner, async ({ reprise, exec }, wire, key) => {
          let swallowed = 0
          const run = (first = false) =>
            told(
              reprise.run({ name: 'order', guarantee: 'transactional' }, { principal: 'p', key }, async ({ tx }) => {
                if (first && point.fate === 'cut-idle') await cut(wire)
                try {
                  await exec(tx, 'insert into effects values ($1)', [key])
                } catch (error) {
                  // A handler that goes on all the same finds no way past the loss.
                  swallowed++
                  await exec(tx, 'insert into effects values ($1)', [key]).catch(() => undefined)
                  throw error
                }
                return 'made'
              }),
            )
          if (point.text !== undefined) wire.trap(point.text, point.fate as Fate)
          const first = await run(true)
          expect(first).toMatch(point.told)
          if (point.fate === 'cut-later') await cut(wire)
          expect(await seen.effects(key)).toBe(point.effects)
          expect(await run()).toBe(point.effects === 1 ? 'replayed made' : 'done made')
          expect(await seen.effects(key)).toBe(1)
          expect(await run()).toBe('replayed made')
          expect(swallowed).toBeLessThan(2)
        }),
      )

      test.each(guarded)('guarded: $at', (point) =>
        withProcess(library, manner, async ({ reprise }, wire, key) => {
          for (const when of ['claim', 'settle'] as const) {
            const mine = key + when
            const run = () =>
              told(
                reprise.run({ name: 'charge', guarantee: 'guarded' }, { principal: 'p', key: mine }, async () => {
                  await seen.pool.query('insert into effects values ($1)', [mine])
                  if (when === 'settle') wire.trap(exchange, point.fate as Fate)
                  return 'made'
                }),
              )
            if (when === 'claim') wire.trap(exchange, point.fate as Fate)
            expect(await run()).toBe('done made')
            expect(await run()).toBe('replayed made')
            expect(await seen.effects(mine)).toBe(1)
          }
        }),
      )
    })
  }
})
