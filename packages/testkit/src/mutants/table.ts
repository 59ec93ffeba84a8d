/** The table of planted bugs, for docs/planted-bugs.md. */

import type { Harmless, Mutant } from './mutant.ts'
import type { Trial } from './trial.ts'

const head = `# Planted bugs

How good are the tests? Each line below is a bug that was planted in the compiled library, such as a careless hand or a plausible
idea would make it, and what found it. The gate plants every one of them again and fails if one is missed
(\`test/simulation/mutants.test.ts\`); a bug that can't be planted any more, because the code around it has changed, fails too.

- **simulation**: seeds of the simulated world, counted from 1 until a law broke (\`packages/testkit/src/simulation/fault-model.md\` says
  what each law means). A history is one seed: a few processes, callers and faults, in about 0.3 ms.
- **model**: every interleaving of the transitions in small worlds; the number is of worlds until then.
- **conformance**: the published suite for stores, over the memory store; the number is of checks until then.

A dash says that this way of looking passed it by, which is why there are several. Bugs outside the transitions and the stores are
out of sight for the model and the suite.

Made by \`npm run planted-bugs\`.
`

export function table(mutants: readonly Mutant[], harmless: readonly Harmless[], trials: readonly Trial[]): string {
  const cell = (name: string, by: Trial['by']): string => {
    const trial = trials.find((candidate) => candidate.name === name && candidate.by === by)
    if (trial === undefined) return ''
    if (trial.kind !== 'found') return '—'
    const { after, what } = trial.found
    return by === 'conformance' ? `check ${after}` : `${after.toLocaleString('en')}: ${what}`
  }
  const rows = mutants.map(
    ({ name, story }) =>
      `| **${name}** ${story} | ${cell(name, 'simulation')} | ${cell(name, 'model')} | ${cell(name, 'conformance')} |`,
  )
  const peaceful = harmless.map(({ name, story, reason, cost }) => `| **${name}** ${story} | ${reason} | ${cost} |`)
  return [
    head,
    `## ${mutants.length} bugs, all found`,
    '',
    '| bug | simulation | model | conformance |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    '## Not bugs',
    '',
    'Changes that look as dangerous and break no promise. The simulation runs 2,000 seeds of each and must find nothing.',
    '',
    '| change | why no promise is broken | what it costs instead |',
    '| --- | --- | --- |',
    ...peaceful,
    '',
    '## What is not planted',
    '',
    '- *Releasing the operation when the client hangs up.* Below the adapters nothing knows of a connection, so there is no line in which',
    '  this mistake could be made. The adapter suite hangs up on every framework instead.',
    '- *A store that loses what it acknowledged, or judges leases by the clock of a node.* Real stores are held to their contract by the',
    '  conformance suite, power cuts and kills; the simulated one is honest by construction.',
    '',
  ].join('\n')
}
