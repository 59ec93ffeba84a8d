/** What the routes work with. */
import type { Reprise } from 'reprise'
import type { Clock } from './clock.ts'
import type { Database } from './database/database.ts'
import type { NewId } from './ids.ts'

export interface Service {
  readonly database: Database
  readonly reprise: Reprise
  readonly newId: NewId
  readonly clock: Clock
}

/** Bytes of a request body. The largest that makes sense has a few hundred. */
export const BODY_BYTES_MAX = 16_384
