/** Laws of liveness, judged when every fault is over: nobody is left hanging, and everybody learns how it ended. */

import type { Fail, Invoke } from './history.ts'
import type { Known, Reading } from './known.ts'

/** L1: every accepted key ends. */
export function judgeRest(reading: Reading, index: number): void {
  if (reading.healedAt === Number.POSITIVE_INFINITY) return
  for (const known of reading.operations.values()) {
    if (known.record?.state !== 'running' || known.unreadable) continue
    reading.report('L1', known, 'The record is still running long after the last fault.', index)
  }
}

/** L2: after the faults, every caller has a definite answer at its second try. */
export class Patience {
  readonly #tries: Map<number, number> = new Map()

  /** A try that has ended without an answer that settles the matter. */
  disappointed(reading: Reading, known: Known, asked: Invoke, why: string, index: number): void {
    if (asked.t < reading.healedAt || known.unreadable) return
    const tries = (this.#tries.get(asked.client) ?? 0) + 1
    this.#tries.set(asked.client, tries)
    if (tries === 2) reading.report('L2', known, `The second try after the last fault ended as "${why}".`, index)
  }
}

/** Whether a refusal settles the matter for the caller. */
export function isDefinite(fail: Fail): boolean {
  switch (fail.why) {
    case 'mismatch':
    case 'unknown':
    case 'expired':
    case 'forbidden':
      return true
    case 'in-progress':
    case 'unavailable':
    case 'released':
      return false
  }
}
