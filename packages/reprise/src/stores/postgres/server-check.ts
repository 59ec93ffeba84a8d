/** Refuses a server that would not keep what it acknowledges, or can't do what is asked of it. */

import { RepriseError } from '../../engine/errors.ts'

/** The oldest version that the store knows, as the server numbers itself. */
const oldest = 120_000

/** `state` is what the server said of its settings. Throws `server-unfit`, naming the setting, its value and the fix. */
export function requireFit(state: Readonly<Record<string, unknown>>, acceptLoss: boolean): void {
  const unfit = (said: string): RepriseError => new RepriseError('server-unfit', said)
  if (Number(state.server) < oldest) {
    throw unfit(`PostgreSQL is of version ${Number(state.server) / 10_000}, this needs ${oldest / 10_000}.`)
  }
  if (state.readonly === 'on') {
    throw unfit('PostgreSQL is read-only (transaction_read_only = on): connect to the primary.')
  }
  if (acceptLoss) return
  if (state.fsync !== 'on') {
    throw unfit(
      `PostgreSQL has fsync = ${String(state.fsync)}: a crash of the machine can destroy the database. Set fsync = on.`,
    )
  }
  if (state.commits === 'off') {
    throw unfit(
      'PostgreSQL has synchronous_commit = off: a crash of the server takes back what it acknowledged in the last moments, ' +
        'and retries run again. Set synchronous_commit = on for this user or database.',
    )
  }
}
