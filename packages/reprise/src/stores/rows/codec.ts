/**
 * Records as rows. A row is one JSON array, because drivers ask more for each column than JSON does for each member; the
 * body stays apart, as the bytes it is.
 */

import { RepriseError } from '../../engine/errors.ts'
import type { Guarantee, HeaderLine, OperationRecord, Steps, UnknownReason } from '../../engine/record.ts'

/** The format that this build writes, the first member of every array. A newer one is an error, never an absence. */
const format = 1

export interface Row {
  readonly id: string
  /** The record as `encodeRecord` wrote it. */
  readonly record: string
  readonly body: Uint8Array | null
}

type Head = [
  format: number,
  state: OperationRecord['state'],
  name: string,
  fingerprint: string,
  guarantee: Guarantee,
  fence: number,
  attemptId: string,
  attempts: number,
  createdAtMs: number,
  ...rest: unknown[],
]

/** The record without the bytes of its outcome. */
export function encodeRecord(record: OperationRecord): string {
  const head: Head = [
    format,
    record.state,
    record.name,
    record.fingerprint,
    record.guarantee,
    record.fence,
    record.attemptId,
    record.attempts,
    record.createdAtMs,
  ]
  switch (record.state) {
    case 'completed': {
      const { outcome } = record
      const kept = outcome.bodyKept === false ? 0 : 1
      head.push(record.completedAtMs, record.retainUntilMs, record.forgetAtMs, outcome.status, outcome.headers, kept)
      break
    }
    case 'running':
      head.push(record.claimedAtMs, record.leaseUntilMs, record.effect === 'begun' ? 1 : 0, record.steps)
      break
    case 'released':
      head.push(record.releasedAtMs, record.forgetAtMs, record.steps)
      break
    case 'unknown':
      head.push(record.sinceMs, record.reason)
      break
    case 'expired':
      head.push(record.expiredAtMs, record.forgetAtMs, record.status)
      break
  }
  return JSON.stringify(head)
}

/** The bytes of the outcome, which are kept beside the record. */
export function bodyOf(record: OperationRecord): Uint8Array | null {
  return record.state === 'completed' ? record.outcome.body : null
}

/** Throws `record-unreadable` for a row that is damaged or newer than this build. */
export function decodeRow(row: Row): OperationRecord {
  let head: Head
  try {
    head = JSON.parse(row.record) as Head
    if (!Array.isArray(head)) throw new TypeError('The row holds no array.')
  } catch (cause) {
    throw new RepriseError('record-unreadable', `The record ${row.id} is damaged.`, { cause })
  }
  if (head[0] !== format) {
    throw new RepriseError(
      'record-unreadable',
      `The record ${row.id} has format ${head[0]}; this build reads ${format}.`,
    )
  }
  const [, state, name, fingerprint, guarantee, fence, attemptId, attempts, createdAtMs, ...rest] = head
  const common = { id: row.id, name, fingerprint, guarantee, fence, attemptId, attempts, createdAtMs }
  switch (state) {
    case 'completed': {
      const [completedAtMs, retainUntilMs, forgetAtMs, status, headers, kept] = rest as [
        number,
        number,
        number,
        number,
        HeaderLine[],
        0 | 1,
      ]
      const outcome = {
        status,
        headers,
        body: row.body,
        ...(kept === 0 ? { bodyKept: false as const } : {}),
      }
      return { ...common, state, outcome, completedAtMs, retainUntilMs, forgetAtMs }
    }
    case 'running': {
      const [claimedAtMs, leaseUntilMs, begun, steps] = rest as [number, number, 0 | 1, Steps]
      return { ...common, state, effect: begun === 1 ? 'begun' : 'not-begun', claimedAtMs, leaseUntilMs, steps }
    }
    case 'released': {
      const [releasedAtMs, forgetAtMs, steps] = rest as [number, number, Steps]
      return { ...common, state, releasedAtMs, forgetAtMs, steps }
    }
    case 'unknown': {
      const [sinceMs, reason] = rest as [number, UnknownReason]
      return { ...common, state, sinceMs, reason }
    }
    case 'expired': {
      const [expiredAtMs, forgetAtMs, status] = rest as [number, number, number]
      return { ...common, state, expiredAtMs, forgetAtMs, status }
    }
    default:
      throw new RepriseError('record-unreadable', `The record ${row.id} is in a state that this build does not know.`)
  }
}
