/** Changes that look like bugs and break no promise. Each says why, and what it costs instead. */

import { edit, type Harmless } from './mutant.ts'

export const harmless: readonly Harmless[] = [
  {
    name: 'an abandoned claim is left to its lease',
    story: 'When both acknowledgements of a claim are lost, nobody gives it back.',
    ...edit('engine/claimed.js', 'abandon(store, arrival.id, attemptId, policy);', ''),
    reason:
      'The handler has not run, so the lease decides: the claim is taken over, or becomes unknown without an effect.',
    cost: 'Retries wait for a lease, and a guarded operation may be handed to an operator for nothing.',
  },
  {
    name: 'every write is tried once',
    story: 'A settlement or commit point whose acknowledgement is lost is not sent again.',
    ...edit('engine/claimed.js', 'const writeTries = 4;', 'const writeTries = 1;'),
    reason: 'The caller gets 503 and learns the outcome by its next try; nothing is said that is not recorded.',
    cost: 'More answers 503, and more guarded outcomes that stay unknown.',
  },
  {
    name: 'nothing is kept in memory',
    story: 'The replay cache forgets everything.',
    ...edit('engine/replay-cache.js', 'if (weight > this.#limitBytes / 8)', 'if (weight > 0)'),
    reason: 'The store says the same.',
    cost: 'A round trip for every replay.',
  },
  {
    name: 'a handler is not told that it was superseded',
    story: '`attempt.signal` is never aborted by a lost claim.',
    ...edit('engine/lease.js', 'lost();', ';'),
    reason: 'What it writes does not count, with or without its knowledge.',
    cost: 'A superseded handler works on in vain, and may call a foreign system later than it had to.',
  },
]
