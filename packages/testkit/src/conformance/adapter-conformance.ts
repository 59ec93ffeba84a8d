/** The contract of adapters, as checks over HTTP: a framework whose adapter passes them answers every retry alike. */

import assert from 'node:assert/strict'
import { memory } from 'reprise/memory'
import { answersOfAnyKind, writtenAnswers } from './adapter/answers.ts'
import { type Check, runCheck, type Theme } from './adapter/bench.ts'
import { brokenAnswers, failures } from './adapter/failures.ts'
import { hangUps, writtenHangUps } from './adapter/hang-ups.ts'
import { bodies, identity } from './adapter/identity.ts'
import { keys } from './adapter/keys.ts'
import { limits, unholdable } from './adapter/limits.ts'
import type { Mount, Style } from './adapter/site.ts'
import { surroundings, surroundingsOfHandlers } from './adapter/surroundings.ts'
import type { RegisterTest } from './store-conformance.ts'
import type { OpenStore } from './subject.ts'

const styles: readonly Style[] = ['middleware', 'outcome']
const themes: readonly Theme[] = [
  answersOfAnyKind,
  writtenAnswers,
  identity,
  bodies,
  keys,
  failures,
  brokenAnswers,
  hangUps,
  writtenHangUps,
  limits,
  unholdable,
  surroundings,
  surroundingsOfHandlers,
]

/** Something that an adapter does not do. */
export interface AdapterExemption {
  /** The full name of one check, such as `middleware: failures: NotApplied`. */
  readonly check: string
  readonly reason: string
}

export interface AdapterConformanceOptions<Tx> {
  /** A transactional store with `effects`; a memory store unless told. */
  readonly open?: OpenStore<Tx>
  readonly exempt?: readonly AdapterExemption[]
}

/**
 * Registers the conformance suite of adapters with a test runner. Each check mounts servers of its own.
 *
 * A check that is exempt has to fail: an exemption that is no longer needed is a failure too. Throws where an exemption
 * names no check or gives no reason.
 *
 * @example
 * import { it } from 'node:test'
 * adapterConformance(it, async (site) => {
 *   const server = createServer(listenerFor(site)).listen(0)
 *   return { url: urlOf(server), close: () => closed(server) }
 * })
 */
export function adapterConformance<Tx = never>(
  it: RegisterTest,
  mount: Mount,
  { open = openMemory as OpenStore<unknown> as OpenStore<Tx>, exempt = [] }: AdapterConformanceOptions<Tx> = {},
): void {
  const reasons = new Map(exempt.map(({ check, reason }) => [check, reason]))
  for (const [title, style, check] of titledChecks()) {
    const run = (): Promise<void> => runCheck(check, style, mount, open)
    const reason = reasons.get(title)
    if (reason === undefined) it(title, run)
    else it(`${title} (exempt: ${reason})`, () => assert.rejects(run(), 'passes: drop the exemption'))
    reasons.delete(title)
    if (reason?.trim() === '') throw new TypeError(`The exemption from "${title}" needs a reason.`)
  }
  for (const name of reasons.keys()) throw new TypeError(`There is no check "${name}" to be exempt from.`)
}

function* titledChecks(): Generator<[title: string, style: Style, check: Check]> {
  for (const style of styles) {
    for (const theme of themes) {
      if (theme.styles?.includes(style) === false) continue
      for (const [name, check] of Object.entries(theme.checks)) yield [`${style}: ${theme.name}: ${name}`, style, check]
    }
  }
}

const openMemory: OpenStore<{ get(key: string): unknown; set(key: string, value: unknown): void }> = async ({
  clock,
}) => {
  const store = memory({ clock })
  return {
    store,
    effects: {
      get: (tx, key) => tx.get(key) as string | undefined,
      set: (tx, key, value) => tx.set(key, value),
      committed: (key) => store.data.get(key) as string | undefined,
    },
    dispose: () => store.close(),
  }
}
