/** A completed record as an answer. */

import type { Completed, HeaderLine } from '../engine/record.ts'
import { printHttpDate } from '../wire/http-date.ts'
import type { HttpResponse } from './answer.ts'
import { type ProblemStyle, refusal } from './refusals.ts'
import type { HttpRequest } from './request.ts'
import { replayableHeaders } from './stored-headers.ts'

/**
 * What a replay is made of. `snapshot` (the default): the stored bytes. `reference`: the body is never stored, and a replay
 * is 303 to the `Location` of the outcome. `reload`: the status and headers of the outcome, with the representation that
 * the function gives for it now.
 */
export type ReplayMode =
  | 'snapshot'
  | 'reference'
  | {
      readonly reload: (
        request: HttpRequest,
        outcome: ReloadableOutcome,
      ) => Uint8Array | null | Promise<Uint8Array | null>
    }

/** What is stored of an outcome whose body is loaded again. */
export interface ReloadableOutcome {
  readonly status: number
  readonly headers: readonly HeaderLine[]
}

/** The line of a stored outcome that names the request which ran; sent with replays only, under the service's own name. */
export const originLine = 'idempotency-original-request'

/** The outcome as it is told to everybody but the first, or why it can't be. */
export async function replay(
  record: Completed,
  request: HttpRequest,
  mode: ReplayMode,
  style: ProblemStyle,
): Promise<HttpResponse> {
  const { outcome } = record
  const headers = replayHeaders(record, style)
  if (outcome.bodyKept !== false) return { status: outcome.status, headers, body: outcome.body }
  if (typeof mode === 'object') {
    const body = await mode.reload(request, { status: outcome.status, headers: outcome.headers })
    return { status: outcome.status, headers, body }
  }
  const location = outcome.headers.find(([name]) => name === 'location')
  // RFC 9110 §9.3.3: a POST that would repeat an existing resource may answer 303 to it.
  if (mode === 'reference' && location !== undefined && outcome.status < 400) {
    return { status: 303, headers: headers.filter(([name]) => name !== 'content-type'), body: null }
  }
  return notKept(record, location, style)
}

/** Until when a replay is promised. */
export function expiresLine(record: Completed, style: ProblemStyle): HeaderLine {
  return [style.names.expires, httpDate(record.retainUntilMs)]
}

function replayHeaders(record: Completed, style: ProblemStyle): HeaderLine[] {
  const headers = replayableHeaders(record.outcome.headers)
  const origin = headers.findIndex(([name]) => name === originLine)
  if (origin >= 0) headers.splice(origin, 1, [style.names.originalRequest, (headers[origin] as HeaderLine)[1]])
  headers.push([style.names.replayed, 'true'], expiresLine(record, style))
  return headers
}

function notKept(record: Completed, location: HeaderLine | undefined, style: ProblemStyle): HttpResponse {
  const made = refusal(style, 'idempotency-response-not-kept', {
    detail: 'The operation was applied, but its answer was not kept and can not be sent again.',
    outcome: record.outcome.status < 400 ? 'applied' : 'none',
    original_status: record.outcome.status,
    ...(location === undefined ? {} : { location: location[1] }),
  })
  return location === undefined ? made : { ...made, headers: [...made.headers, location] }
}

let printedSecond = -1
let printed = ''

/** Most answers of one second expire in the same second, so the last text is kept. */
function httpDate(ms: number): string {
  const second = Math.floor(ms / 1000)
  if (second !== printedSecond) {
    printedSecond = second
    printed = printHttpDate(ms)
  }
  return printed
}
