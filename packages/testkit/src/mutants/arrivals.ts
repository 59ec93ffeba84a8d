/** Bugs planted in what becomes of an arrival: decisions, the replay cache, waiting. */

import { edit, type Mutant } from './mutant.ts'

const engine = 'engine/engine.js'
const cache = 'engine/replay-cache.js'

export const arrivalMutants: readonly Mutant[] = [
  {
    name: 'state is asked before the fingerprint',
    story: 'Another payload under the key is answered with the outcome of the first.',
    ...edit(
      'engine/decide.js',
      'if (record.fingerprint !== fingerprint)',
      "if (record.fingerprint !== fingerprint && record.state !== 'completed')",
    ),
    foundBy: 'simulation',
  },
  {
    name: 'the cache does not look at the fingerprint',
    story: 'What is in memory is replayed for any payload.',
    ...edit(
      engine,
      'undefined : this.#found(cached, arrival, policy)',
      "undefined : { kind: 'replayed', record: cached }",
    ),
    foundBy: 'simulation',
  },
  {
    name: 'the cache outlives retention',
    story: 'An outcome is replayed from memory although its time is over.',
    ...edit(cache, 'nowMs >= entry.record.retainUntilMs || monotonicMs', 'monotonicMs'),
    foundBy: 'simulation',
  },
  {
    name: 'the cache outlives the tombstone',
    story: 'On a machine whose clock is slow, an outcome is replayed for a key that names another operation by now.',
    ...edit(cache, 'Math.min(this.#ttlMs, record.forgetAtMs - record.retainUntilMs)', 'this.#ttlMs'),
    foundBy: 'simulation',
  },
  {
    name: 'a replay makes its cache entry young again',
    story: 'What is asked for often never leaves the cache, even after it was erased by another process.',
    ...edit(
      engine,
      "case 'replay':\n                return",
      "case 'replay':\n                this.#cache.put(decision.record, this.ports.clock.monotonic());\n                return",
    ),
    foundBy: 'simulation',
  },
  {
    name: 'a waiting duplicate runs the effect itself',
    story: 'It has waited long enough.',
    ...edit(
      engine,
      "if (again.kind !== 'in-progress' || called() || leftMs <= 0)",
      `if (again.kind === 'in-progress' && leftMs <= 0 && policy.guarantee === 'guarded')
                        await effect({ fence: 1, number: 1, commitPoint: async () => undefined, doNotStore() { }, keyFor: (name) => name });
                    if (again.kind !== 'in-progress' || called() || leftMs <= 0)`,
    ),
    foundBy: 'simulation',
    guarantee: 'guarded',
  },
  {
    name: 'a waiting arrival runs its handler a second time',
    story: 'Its own attempt was superseded, the key is free again, and it claims it once more.',
    ...edit(engine, "if (first.kind !== 'in-progress' || called)", "if (first.kind !== 'in-progress')"),
    foundBy: 'simulation',
  },
]
