/**
 * The one place where it is decided what an attempt gets when it finds a record. The order of the questions is
 * fixed: another fingerprint is told before anything else, in every state.
 */

import type { Completed, Expired, OperationRecord, Running, Unknown } from './record.ts'

export type Decision =
  | { readonly kind: 'claim' }
  | { readonly kind: 'mismatch'; readonly record: OperationRecord }
  | { readonly kind: 'replay'; readonly record: Completed }
  | { readonly kind: 'expired'; readonly record: Expired }
  | { readonly kind: 'unknown'; readonly record: Unknown }
  | { readonly kind: 'in-progress'; readonly record: Running }

/**
 * What to do about an attempt with this fingerprint, given the record as of now.
 *
 * A running record whose lease has lapsed is still `in-progress` here: only the store may say that a claim is free,
 * because only the store's claim is atomic.
 */
export function decide(record: OperationRecord | undefined, fingerprint: string): Decision {
  if (record === undefined) return { kind: 'claim' }
  if (record.fingerprint !== fingerprint) return { kind: 'mismatch', record }
  switch (record.state) {
    case 'completed':
      return { kind: 'replay', record }
    case 'expired':
      return { kind: 'expired', record }
    case 'unknown':
      return { kind: 'unknown', record }
    case 'running':
      return { kind: 'in-progress', record }
    case 'released':
      return { kind: 'claim' }
  }
}
