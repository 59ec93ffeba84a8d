/**
 * The port of stores that keep their records in rows on a server: the little that they ask of it, which is a write that
 * happens only while the row still says what was read. What is written is worked out by the transitions of the engine, in
 * this process; since a row's text is compared whole, a write that gets through has changed exactly what was seen.
 */

import type { OperationRecord, RecordState } from '../../engine/record.ts'
import { dueAtMs } from '../../engine/transitions.ts'
import { bodyOf, encodeRecord, type Row } from './codec.ts'

/** A row as it is to be, with what the server needs to find it by. */
export interface Written {
  readonly record: string
  readonly body: Uint8Array | null
  readonly state: RecordState
  readonly name: string
  /** When time alone next changes the record. */
  readonly dueAtMs: number | undefined
}

export interface Change {
  readonly id: string
  /** What the row has to say, to the letter; `undefined` where there has to be none. */
  readonly from: string | undefined
  /** What it says from then on; `null` removes it, and `undefined` only looks. */
  readonly to: Written | null | undefined
}

export type Exchanged =
  | { readonly kind: 'done' }
  /**
   * Nothing was changed. `row` is what lies there instead, or was asked for. It may be as old as the call itself: a row that
   * another transaction wrote meanwhile can be missing.
   */
  | { readonly kind: 'found'; readonly row: Row | undefined }

export interface PageQuery {
  /** Rows in any of these states; all where there are none. */
  readonly states: readonly RecordState[]
  readonly name: string | undefined
  readonly limit: number
  readonly cursor: string | undefined
}

export interface Rows {
  /**
   * Makes each of the changes that can be made, in one atomic and durable step and one round trip, and says of each
   * whether it was. No id occurs twice. After a throw nobody knows which of them were made.
   */
  exchange(changes: readonly Change[]): Promise<readonly Exchanged[]>
  /** Whether a throw may be the fault of one of several changes, so that each is worth sending by itself. */
  readonly divides?: (error: unknown) => boolean
  /** At most `limit` rows that are due; the earliest first, as far as that is cheap. */
  due(nowMs: number, limit: number): Promise<readonly Row[]>
  /** Rows in an order that does not change; `next` goes on after the last of them. */
  page(query: PageQuery): Promise<{ readonly rows: readonly Row[]; readonly next: string | undefined }>
}

/** The row of a record. */
export function written(record: OperationRecord): Written {
  return {
    record: encodeRecord(record),
    body: bodyOf(record),
    state: record.state,
    name: record.name,
    dueAtMs: dueAtMs(record),
  }
}
