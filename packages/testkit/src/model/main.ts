/** `npm run model`: explores every setting to its end. `-- --small` for those of the gate, `-- --only <part of a name>`. */

import { parseArgs } from 'node:util'
import * as rules from 'reprise/engine'
import { explore } from './explore.ts'
import { settings } from './settings.ts'

const { values } = parseArgs({ options: { small: { type: 'boolean', default: false }, only: { type: 'string' } } })
const chosen = settings.filter(({ name, small }) => (small || !values.small) && name.includes(values.only ?? ''))

let states = 0
let failed = false
for (const setting of chosen) {
  const explored = explore(setting, rules)
  states += explored.states
  const { violation } = explored
  const verdict = violation === undefined ? 'every law holds' : `VIOLATION ${violation.law}`
  process.stdout.write(
    `${setting.name}: ${explored.states} states, ${explored.transitions} transitions, depth ${explored.depth}: ${verdict}\n`,
  )
  for (const step of violation?.trace ?? []) process.stdout.write(`    ${step}\n`)
  failed ||= violation !== undefined
}
process.stdout.write(`${states} states in all\n`)
process.exitCode = failed ? 1 : 0
