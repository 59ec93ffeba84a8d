/** What an answer says to its caller, read from the engine's conclusion. */

import type { Completed } from 'reprise'
import type { Conclusion } from 'reprise/engine'
import { digestOf } from './digest.ts'
import { madeFor } from './handler.ts'
import type { Reply } from './request.ts'

export function replyOf(conclusion: Conclusion): Reply {
  switch (conclusion.kind) {
    case 'executed':
    case 'replayed':
      return outcomeReply(conclusion.record)
    case 'released':
      return { kind: 'fail', why: 'released', effect: 'none', retryAfterMs: 0 }
    case 'mismatch':
      return { kind: 'fail', why: 'mismatch', effect: 'unknown', retryAfterMs: 0 }
    case 'in-progress':
      return { kind: 'fail', why: 'in-progress', effect: 'unknown', retryAfterMs: conclusion.retryAfterMs }
    case 'unknown':
      return { kind: 'fail', why: 'unknown', effect: 'unknown', retryAfterMs: 0 }
    case 'expired':
      return { kind: 'fail', why: 'expired', effect: 'unknown', retryAfterMs: 0 }
    case 'unavailable':
      return { kind: 'fail', why: 'unavailable', effect: conclusion.effect, retryAfterMs: 0 }
  }
}

function outcomeReply({ outcome }: Completed): Reply {
  return {
    kind: 'ok',
    outcome: digestOf(outcome),
    success: outcome.status < 400,
    madeFor: madeFor(outcome.headers, outcome.body),
  }
}
