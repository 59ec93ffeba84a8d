/** What the pipeline hands back to an adapter, which only has to carry it out. */

import type { HeaderLine } from '../engine/record.ts'

/** A whole response: what an outcome handler returns, what capture makes of one, and what is sent. */
export interface HttpResponse {
  readonly status: number
  readonly headers: readonly HeaderLine[]
  readonly body: Uint8Array | null
}

/** What a handler made of its request, as capture saw it. */
export type Captured =
  | ({ readonly kind: 'response' } & HttpResponse)
  /** It can't be held back until its outcome is durable: larger than the buffer, or a stream that has no end. */
  | { readonly kind: 'unholdable'; readonly why: 'too-large' | 'streams' }

export type Answer =
  /** Not ours: run the handler as if Reprise were not there. */
  | { readonly kind: 'pass' }
  /** Send the response that the handler made in this attempt, with these lines added. */
  | { readonly kind: 'own'; readonly response: HttpResponse; readonly added: readonly HeaderLine[] }
  /** Send this and nothing of what the handler may have made: a replay, or a problem. */
  | { readonly kind: 'response'; readonly response: HttpResponse }
  /** Nothing happened, because the handler threw: let the framework answer the error, with these lines added. */
  | { readonly kind: 'threw'; readonly error: unknown; readonly added: readonly HeaderLine[] }
