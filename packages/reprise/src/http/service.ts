/** What all routes of one service share. */

import type { Engine } from '../engine/engine.ts'
import type { Pepper } from '../engine/operation-id.ts'
import type { Fingerprint } from './fingerprint.ts'
import type { ProblemStyle } from './refusals.ts'
import type { HttpRequest } from './request.ts'

/** Who asks: a stable name of the account or tenant, or nothing where the request is not authenticated. */
export type PrincipalOf = (request: HttpRequest) => string | null | undefined | Promise<string | null | undefined>

/** What went wrong behind an answer, for whoever operates the service. */
export interface Fault {
  readonly policy: string
  /** Whether an effect may exist all the same. `unguarded`: the request was run without protection, as the route asks. */
  readonly effect: 'none' | 'unknown' | 'unguarded'
}

export interface Service<Tx> {
  readonly engine: Engine<Tx>
  readonly principalOf: PrincipalOf
  readonly namespace: string
  readonly pepper: Pepper | undefined
  /** The fingerprint of operations that no request brought. */
  readonly fingerprint: Fingerprint
  readonly style: ProblemStyle
  readonly requestId: ((request: HttpRequest) => string | null | undefined) | undefined
  readonly onFault: (error: unknown, fault: Fault) => void
}
