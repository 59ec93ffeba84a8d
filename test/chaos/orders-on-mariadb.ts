// The effect is a row, written in the transaction that the outcome commits with.
import { randomUUID } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createPool } from 'mysql2/promise'
import { createReprise, NotApplied, reply } from 'reprise'
import { mysql } from 'reprise/mysql'
import { idempotent } from 'reprise/node'
import type { Chance } from './chance.ts'
import { migrated } from './migrated.ts'
import type { ServiceTerms } from './service.ts'

/** Nothing in it keeps an operation from having two rows: that is the store's task. */
export const EFFECTS =
  'create table if not exists effects (id bigint auto_increment primary key, operation varchar(100) not null)'

export async function ordersOnMariadb(terms: ServiceTerms, chance: Chance): Promise<RequestListener> {
  const store = mysql({ pool: createPool({ uri: terms.url, connectionLimit: 12 }) })
  await migrated(store)
  const reprise = createReprise({ store, principal: () => 'p', replayCacheBytes: terms.replayCacheBytes })
  const policy = {
    name: 'order',
    guarantee: 'transactional',
    lease: terms.leaseMs,
    onConcurrent: { waitUpTo: 300 },
  } as const
  return idempotent(reprise, policy, async ({ tx, key }) => {
    if (chance.happens(0.5)) await sleep(chance.between(0, 30))
    await tx.query('insert into effects (operation) values (?)', [key])
    if (chance.happens(0.5)) await sleep(chance.between(0, 30))
    // The row is taken back: the next attempt writes it again.
    if (chance.happens(0.05)) throw new NotApplied('Out of paper.')
    return reply(201, { operation: key, receipt: randomUUID() })
  })
}
