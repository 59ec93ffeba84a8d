/** Function-level use: an effect once per (principal, key), without HTTP. The value takes the place of the answer. */

import type { Attempt } from './engine/attempt.ts'
import type { Verdict } from './engine/conclusion.ts'
import { RepriseError } from './engine/errors.ts'
import { operationId } from './engine/operation-id.ts'
import { invalid, refuseUnknown } from './engine/options.ts'
import { compilePolicy, type PolicyDefaults, type PolicyOptions, policyOptionNames } from './engine/policy.ts'
import type { Outcome } from './engine/record.ts'
import { fingerprintValue } from './http/fingerprint.ts'
import type { Service } from './http/service.ts'

export type RunPolicy = PolicyOptions

export interface RunInput {
  readonly principal: string
  /** Names the operation within the principal's namespace. */
  readonly key: string
  /** What the operation means, as a JSON value: the same key with another input is a mismatch. */
  readonly input?: unknown
}

/** Returns a JSON value, which is recorded and returned to every later run of the same key. */
export type RunEffect<Tx, T> = (attempt: Attempt<Tx>) => T | Promise<T>

export type RunEnd<T> =
  /** `replayed`: the value comes from an earlier run, and this one did nothing. */
  | { readonly kind: 'done'; readonly value: T; readonly replayed: boolean }
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'in-progress'; readonly retryAfterMs: number }
  | { readonly kind: 'unknown'; readonly operation: string; readonly error: unknown }
  | { readonly kind: 'expired' }
  /** `doNotStore()` was asked for: the value stands for this run only. */
  | { readonly kind: 'released'; readonly value: T }

const where = 'run'
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * Runs the effect, or tells how the operation already ended.
 *
 * Throws what the effect threw when nothing happened by it, and `store-unavailable` (or another code of the store) when
 * the store could not do its work; the same call may then be made again.
 */
export async function runOperation<Tx, T>(
  service: Service<Tx>,
  defaults: PolicyDefaults,
  options: RunPolicy,
  input: RunInput,
  effect: RunEffect<Tx, T>,
): Promise<RunEnd<T>> {
  refuseUnknown(where, options, policyOptionNames)
  refuseUnknown(where, input, ['principal', 'key', 'input'])
  const policy = compilePolicy(where, options, service.engine.ports.store, defaults)
  const { principal, key } = input
  for (const [name, value] of [
    ['principal', principal],
    ['key', key],
  ] as const) {
    if (typeof value !== 'string' || value === '' || !value.isWellFormed()) {
      throw invalid(where, name, value, 'a non-empty, well-formed string')
    }
  }
  const scope = policy.scope === 'operation' ? policy.name : ''
  const id = operationId({ namespace: service.namespace, scope, principal, key }, service.pepper)
  const fingerprint = fingerprintValue(policy.name, input.input, service.fingerprint)

  let made: { readonly value: T } | undefined
  const conclusion = await service.engine.perform(
    { id, fingerprint, key, principal },
    policy,
    async (attempt): Promise<Verdict> => {
      made = { value: await effect(attempt) }
      return { kind: 'keep', outcome: outcomeOf(made.value) }
    },
  )
  switch (conclusion.kind) {
    case 'executed':
    case 'replayed':
      return { kind: 'done', value: valueIn<T>(conclusion.record.outcome), replayed: conclusion.kind === 'replayed' }
    case 'released':
      if (conclusion.threw || made === undefined) throw conclusion.error
      return { kind: 'released', value: made.value }
    case 'mismatch':
      return { kind: 'mismatch' }
    case 'expired':
      return { kind: 'expired' }
    case 'in-progress':
      return { kind: 'in-progress', retryAfterMs: conclusion.retryAfterMs }
    case 'unknown':
      return { kind: 'unknown', operation: conclusion.record.id, error: conclusion.error }
    case 'unavailable':
      throw conclusion.error instanceof Error
        ? conclusion.error
        : new RepriseError('store-unavailable', 'The store could not do its work.', { cause: conclusion.error })
  }
}

// The first run gets the decoded value too, so that it can't differ from what every later run gets.
function outcomeOf(value: unknown): Outcome {
  const text = JSON.stringify(value)
  return { status: 200, headers: [], body: text === undefined ? null : encoder.encode(text) }
}

function valueIn<T>(outcome: Outcome): T {
  return (outcome.body === null ? undefined : JSON.parse(decoder.decode(outcome.body))) as T
}
