/** What checks start from: operations, terms and endings that show what matters and leave the rest to these. */

import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import type { Claim, Ending, Horizons, Operation, Outcome, Running, Store, Terms } from 'reprise/engine'

let made = 0

/** A new operation; its id is a digest like any other. */
export function anOperation(chosen: Partial<Operation> = {}): Operation {
  made++
  return { id: idOf(`operation ${made}`), name: 'order.create', fingerprint: `v1:${made}`, ...chosen }
}

/** 32 bytes as 43 characters of base64url, as every id is. */
export function idOf(text: string): string {
  return hash('sha256', text, 'base64url')
}

/** The same operation with another meaning. */
export function otherwise(operation: Operation): Operation {
  return { ...operation, fingerprint: `${operation.fingerprint}, but otherwise` }
}

export const leaseMs = 60_000
export const horizons: Horizons = { retentionMs: 3_600_000, tombstoneMs: 86_400_000 }

/** The terms of a new attempt. */
export function terms(chosen: Partial<Terms> = {}): Terms {
  made++
  // 128 bits as 22 characters of base64url.
  const attemptId = Buffer.from(hash('sha256', `attempt ${made}`, 'buffer').subarray(0, 16)).toString('base64url')
  return { attemptId, guarantee: 'guarded', leaseMs, begun: false, ...chosen }
}

export function outcome(body: string | Uint8Array | null = 'done', chosen: Partial<Outcome> = {}): Outcome {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  return { status: 201, headers: [['content-type', 'text/plain']], body: bytes, ...chosen }
}

type Completion = Extract<Ending, { kind: 'completed' }>

export function completed(answer: Outcome | string = 'done', chosen: Partial<Horizons> = {}): Completion {
  return {
    kind: 'completed',
    outcome: typeof answer === 'string' ? outcome(answer) : answer,
    ...horizons,
    ...chosen,
  }
}

export const notBegun: Extract<Ending, { kind: 'released' }> = { kind: 'released', proof: 'not-begun', ...horizons }
export const notApplied: Extract<Ending, { kind: 'released' }> = { kind: 'released', proof: 'not-applied', ...horizons }
export const handlerFailed: Extract<Ending, { kind: 'unknown' }> = { kind: 'unknown', reason: 'handler-failed' }

/** Claims an operation that is free. */
export async function granted(
  store: Store,
  operation: Operation,
  asked: Terms = terms(),
): Promise<{ readonly claim: Claim; readonly record: Running }> {
  const result = await store.claim(operation, asked)
  assert.equal(result.kind, 'granted', `expected a grant, found ${result.record.state}`)
  const record = result.record as Running
  return { claim: { id: operation.id, attemptId: asked.attemptId, fence: record.fence }, record }
}

/** Claims an operation that is free, and settles it. */
export async function settled(
  store: Store,
  operation: Operation,
  ending: Ending = completed(),
  asked: Terms = terms(),
): Promise<Claim> {
  const { claim } = await granted(store, operation, asked)
  const result = await store.settle(claim, ending)
  assert.equal(result.kind, 'written')
  return claim
}

/** An operation whose outcome nobody knows, and the claim of the attempt that began it. */
export async function unknown(store: Store, operation: Operation): Promise<Claim> {
  return settled(store, operation, handlerFailed, terms({ begun: true }))
}
