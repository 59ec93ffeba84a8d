/** What has to be there before the first request: tables of this build, and a ledger for every principal. */
import { openLedger } from '../accounts/accounts.ts'
import type { Clock } from '../clock.ts'
import type { ApiKey } from '../config.ts'
import type { Database } from './database.ts'

/** Does nothing where it has been done before. */
export async function prepareDatabase(database: Database, keys: readonly ApiKey[], clock: Clock): Promise<void> {
  await database.migrate(async (db) => {
    const at = clock.now().toISOString()
    for (const principal of new Set(keys.map((key) => key.principal))) await openLedger(db, principal, at)
  })
}
