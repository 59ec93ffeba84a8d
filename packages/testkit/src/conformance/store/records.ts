/** How checks look at records: by what they mean, whatever objects a store makes them of. */

import assert from 'node:assert/strict'
import type { OperationRecord, RecordState, Store } from 'reprise/engine'

/** A record as plain data, with its bytes as text. */
export type PlainRecord = Readonly<Record<string, unknown>>

export function plain(record: OperationRecord | undefined): PlainRecord | undefined {
  if (record === undefined) return undefined
  if (record.state !== 'completed') return JSON.parse(JSON.stringify(record)) as PlainRecord
  const { body, ...answer } = record.outcome
  assert.ok(body === null || body instanceof Uint8Array, 'a body is a Uint8Array or null')
  const bytes = body === null ? null : Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1')
  return JSON.parse(JSON.stringify({ ...record, outcome: { ...answer, body: bytes } })) as PlainRecord
}

export function assertSame(actual: OperationRecord | undefined, expected: OperationRecord | undefined): void {
  assert.deepEqual(plain(actual), plain(expected))
}

/** The record of an id, which has to be in this state. */
export async function found<S extends RecordState>(
  store: Store,
  id: string,
  state: S,
): Promise<Extract<OperationRecord, { state: S }>> {
  const record = await store.find(id)
  assert.equal(record?.state, state)
  return record as Extract<OperationRecord, { state: S }>
}

/** Runs `act`, which may not change the record of this id. */
export async function unchanged<T>(store: Store, id: string, act: () => Promise<T>): Promise<T> {
  const before = await store.find(id)
  const result = await act()
  assertSame(await store.find(id), before)
  return result
}

/** How often each kind occurs among results. */
export function countKinds(results: readonly { readonly kind: string }[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { kind } of results) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}
