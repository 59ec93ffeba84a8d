/** Bugs planted in a store: the memory store, which is the model of the others. */

import { edit, type Mutant } from './mutant.ts'

const memory = 'stores/memory.js'
const records = 'stores/memory/records.js'

const bugs: readonly Omit<Mutant, 'foundBy'>[] = [
  {
    name: 'a claim reads, waits, and writes',
    story: '`get` and then `set`: of two claims at once both are granted.',
    ...edit(
      memory,
      'const result = this.#ask(operation, terms, this.#nowMs());\n        if',
      'const result = this.#ask(operation, terms, this.#nowMs());\n        await null;\n        if',
    ),
  },
  {
    name: 'the store keeps the caller’s bytes',
    story: 'A buffer that the caller uses again changes a recorded outcome.',
    ...edit(
      memory,
      'return this.#written(transitions.settle(this.#records.get(claim.id), claim, owned(ending), nowMs));',
      'return this.#written(transitions.settle(this.#records.get(claim.id), claim, ending, nowMs));',
    ),
  },
  {
    name: 'a transaction commits what it read before others wrote',
    story: 'Nobody looks whether the data that the handler saw is still there: a lost update.',
    ...edit(memory, 'if (!data.holds())', 'if (false)'),
  },
  {
    name: 'a transaction is not told of the one in flight',
    story: 'Two handlers of one operation run side by side.',
    ...edit(memory, 'if (inFlight !== undefined)', 'if (false)'),
  },
  {
    name: 'the highest purged fence is not kept',
    story: 'A key that was forgotten by a sweep begins at fence 1 again.',
    ...edit(records, 'this.#fenceFloor = Math.max(this.#fenceFloor, slot.record.fence);', ''),
  },
  {
    name: 'nobody is woken',
    story: 'Waiters sleep through the change that they wait for.',
    ...edit(memory, 'if (before?.state !== record.state)', 'if (false)'),
  },
  {
    name: 'a read does not look at the clock',
    story: 'An outcome past its retention is still shown until a sweep comes by.',
    ...edit(memory, 'return transitions.asOf(this.#records.get(id), nowMs);', 'return this.#records.get(id);'),
  },
]

export const storeMutants: readonly Mutant[] = bugs.map((bug) => ({ ...bug, foundBy: 'conformance' }))
