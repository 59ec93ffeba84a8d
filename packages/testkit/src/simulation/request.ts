/** What callers send, and what they get. */

import type { Refusal } from '../history/history.ts'

export interface Request {
  readonly number: number
  readonly client: number
  readonly principal: string
  readonly key: string
  /** Principal and key, as the history names the operation. */
  readonly operation: string
  readonly payload: number
  /** What the request means, as the history compares it. */
  readonly fingerprint: string
}

/** One delivery of a request: the network may make several. */
export interface Arrival {
  readonly number: number
  readonly request: Request
}

/** What an answer says, as the caller reads it. */
export type Reply =
  | { readonly kind: 'ok'; readonly outcome: string; readonly success: boolean; readonly madeFor: string }
  | { readonly kind: 'fail'; readonly why: Refusal; readonly effect: 'none' | 'unknown'; readonly retryAfterMs: number }

/** What serves requests in one life of one process. */
export interface Service {
  /** `answer` is called once, or never if the process dies before. */
  serve(arrival: Arrival, answer: (reply: Reply) => void): void
}
