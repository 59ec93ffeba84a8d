/** The published contract of stores, as checks: whoever passes them can be trusted with an operation. */

import assert from 'node:assert/strict'
import { TestClock } from '../clock/test-clock.ts'
import { soon } from './patience.ts'
import { claims } from './store/claims.ts'
import { crashedTransactions, crashes, crashesInTime } from './store/crash.ts'
import { interleaving } from './store/interleaving.ts'
import { leases } from './store/leases.ts'
import { lifecycle } from './store/lifecycle.ts'
import { listing, listingInTime } from './store/listing.ts'
import { lives } from './store/lives.ts'
import { operators, operatorsInTime } from './store/operators.ts'
import { outcomes } from './store/outcomes.ts'
import { overdue } from './store/overdue.ts'
import { races, racesInTime } from './store/races.ts'
import { retention } from './store/retention.ts'
import { scriptedLives } from './store/scripted-lives.ts'
import { settlement } from './store/settlement.ts'
import { sweeping } from './store/sweeping.ts'
import { transactions } from './store/transactions.ts'
import { watching, watchingInTime, watchingTransactions } from './store/watching.ts'
import { heldWrites, refusedWrites } from './store/writes.ts'
import {
  type Ability,
  abilities,
  type Check,
  type Effects,
  type OpenStore,
  type Subject,
  type Theme,
} from './subject.ts'

const themes: readonly Theme[] = [
  lifecycle,
  claims,
  races,
  racesInTime,
  heldWrites,
  refusedWrites,
  settlement,
  outcomes,
  leases,
  retention,
  sweeping,
  listing,
  listingInTime,
  operators,
  operatorsInTime,
  watching,
  watchingInTime,
  watchingTransactions,
  transactions,
  overdue,
  interleaving,
  crashes,
  crashesInTime,
  crashedTransactions,
  scriptedLives,
  lives,
]

/** Something that a store does not do. */
export interface Exemption {
  /** An ability (`transactional`, `durable`, `watch`, `virtual time`), or the full name of one check. */
  readonly name: Ability | (string & {})
  readonly reason: string
}

export interface StoreConformanceOptions {
  /** What the store is not held to. Everything else is demanded. */
  readonly exempt?: readonly Exemption[]
  /** Repeats the random lives of an earlier run; a failure prints its seed. */
  readonly seed?: number
}

/** Registers a test; `it` and `test` of Vitest, node:test and Mocha have this shape. */
export type RegisterTest = (name: string, run: () => Promise<void>) => unknown

/**
 * Registers the conformance suite of stores with a test runner. Each check opens a store of its own and disposes of it.
 *
 * An exemption of an ability leaves out the checks that need it. A check that is exempt by its name has to fail: an
 * exemption that is no longer needed is a failure too. Throws where an exemption names nothing or gives no reason.
 *
 * @example
 * import { it } from 'node:test'
 * storeConformance(it, async ({ clock }) => {
 *   const store = memory({ clock })
 *   return { store, dispose: () => store.close() }
 * }, { exempt: [{ name: 'durable', reason: 'lives in the memory of one process' }] })
 */
export function storeConformance<Tx>(
  it: RegisterTest,
  open: OpenStore<Tx>,
  { exempt = [], seed }: StoreConformanceOptions = {},
): void {
  const reasons = reasonsByName(exempt)
  const able = new Set((Object.keys(abilities) as Ability[]).filter((ability) => !reasons.has(ability)))
  for (const theme of themes) {
    if (!theme.needs.every((ability) => able.has(ability))) continue
    for (const [name, check] of Object.entries(theme.checks)) {
      const title = titleOf(theme, name)
      const run = (): Promise<void> => runCheck(open, able, seed, check)
      if (!reasons.has(title)) it(title, run)
      else it(`${title} (exempt: ${reasons.get(title)})`, () => assert.rejects(run(), 'passes: drop the exemption'))
    }
  }
}

function titleOf(theme: Theme, name: string): string {
  return `${theme.name}: ${name}`
}

function reasonsByName(exempt: readonly Exemption[]): Map<string, string> {
  const known = new Set<string>(Object.keys(abilities))
  for (const theme of themes) for (const name of Object.keys(theme.checks)) known.add(titleOf(theme, name))
  for (const { name, reason } of exempt) {
    if (!known.has(name)) throw new TypeError(`There is no ability or check "${name}" to be exempt from.`)
    if (reason.trim() === '') throw new TypeError(`The exemption from "${name}" needs a reason.`)
  }
  return new Map(exempt.map(({ name, reason }) => [name, reason]))
}

async function runCheck<Tx>(
  open: OpenStore<Tx>,
  able: ReadonlySet<Ability>,
  seed: number | undefined,
  check: Check,
): Promise<void> {
  const clock = new TestClock()
  const opened = await open({ clock })
  let { store } = opened
  const subject: Subject = {
    get store() {
      return store
    },
    get effects(): Effects<unknown> {
      assert.ok(opened.effects, 'a transactional store comes with `effects`')
      return opened.effects
    },
    clock,
    abilities: able,
    seed,
    crash: async () => {
      const reopening = opened.reopen?.()
      assert.ok(reopening, 'a durable store comes with `reopen`')
      store = await reopening
    },
  }
  try {
    await check(subject)
  } catch (error) {
    // What is half done may keep the store from closing, and would hide why the check failed.
    await soon('the store is disposed of', opened.dispose(), 1_000).catch(() => undefined)
    throw error
  }
  await opened.dispose()
}
