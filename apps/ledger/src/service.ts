/** What the routes work with. */
import type { Reprise } from 'reprise'
import type { SqliteTx } from 'reprise/sqlite'
import type { Clock } from './clock.ts'
import type { LedgerDatabase } from './database/sqlite.ts'
import type { NewId } from './ids.ts'

export interface Service {
  readonly database: LedgerDatabase
  readonly reprise: Reprise<SqliteTx>
  readonly newId: NewId
  readonly clock: Clock
}

/** Bytes of a request body. The largest that makes sense has a few hundred. */
export const BODY_BYTES_MAX = 16_384
