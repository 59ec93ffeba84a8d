/** A policy: what one kind of operation is promised, and its clocks. */

import type { Duration } from './duration.ts'
import { RepriseError } from './errors.ts'
import { choiceOption, durationOption, invalid } from './options.ts'
import type { Guarantee } from './record.ts'
import type { Store } from './store.ts'

export interface PolicyOptions {
  /** Names the kind of operation in records, metrics and errors, for example `order.create`. */
  readonly name: string
  readonly guarantee: Guarantee
  /**
   * Where a `guarded` effect begins. `first-line` (the default): the handler names no commit point, so an effect may
   * exist from its first line. `named`: nothing happens before the handler has awaited `attempt.commitPoint()`.
   */
  readonly commitPoint?: 'first-line' | 'named'
  /** How long an outcome is replayed, from its completion. */
  readonly retention?: Duration
  /** How long, after that, the key is still refused. */
  readonly tombstone?: Duration
  /** How long a claim is honoured without renewal; for `transactional`, how long the handler may take. */
  readonly lease?: Duration
  /** What a duplicate gets while the first attempt runs: 409 at once, or the first answer within a bounded wait. */
  readonly onConcurrent?: 'reject' | { readonly waitUpTo: Duration }
  /** `principal` (the default): one namespace of keys per principal. `operation`: one per principal and policy. */
  readonly scope?: 'principal' | 'operation'
}

export const policyOptionNames: readonly string[] = [
  'name',
  'guarantee',
  'commitPoint',
  'retention',
  'tombstone',
  'lease',
  'onConcurrent',
  'scope',
]

export interface Policy {
  readonly name: string
  readonly guarantee: Guarantee
  readonly begunAtClaim: boolean
  readonly retentionMs: number
  readonly tombstoneMs: number
  readonly leaseMs: number
  /** 0: refuse at once. */
  readonly waitMs: number
  readonly scope: 'principal' | 'operation'
  /** Typical duration of the handler in milliseconds, learned as it runs; 0 until then. For Retry-After only. */
  pace: number
}

/** What a policy takes from its service where it says nothing itself. */
export interface PolicyDefaults {
  readonly retentionMs: number
  readonly tombstoneMs: number
  readonly leaseMs: number
}

export const defaultPolicy: PolicyDefaults = {
  retentionMs: 24 * 3_600_000,
  tombstoneMs: 7 * 86_400_000,
  leaseMs: 60_000,
}

/** Milliseconds of the three clocks, checked against each other. */
export function clocks(
  where: string,
  options: Pick<PolicyOptions, 'retention' | 'tombstone' | 'lease'>,
  defaults: PolicyDefaults,
): PolicyDefaults {
  const leaseMs = durationOption(where, 'lease', options.lease, {
    fallback: defaults.leaseMs,
    minMs: 100,
    maxMs: 3_600_000,
  })
  const retentionMs = durationOption(where, 'retention', options.retention, { fallback: defaults.retentionMs })
  const tombstoneMs = durationOption(where, 'tombstone', options.tombstone, { fallback: defaults.tombstoneMs })
  // Retention shorter than a lease would forget outcomes that a paused client is still asking for.
  if (retentionMs < leaseMs) throw invalid(where, 'retention', options.retention, `at least the lease (${leaseMs} ms)`)
  return { leaseMs, retentionMs, tombstoneMs }
}

/** Checks the options, and the store against the guarantee; throws `option-invalid` or `capability-missing`. */
export function compilePolicy(
  where: string,
  options: PolicyOptions,
  store: Pick<Store, 'name' | 'capabilities'>,
  defaults: PolicyDefaults,
): Policy {
  if (typeof options.name !== 'string' || !/^[\x21-\x7e]{1,100}$/.test(options.name)) {
    throw invalid(where, 'name', options.name, '1 to 100 printable ASCII characters without spaces')
  }
  const guarantee = choiceOption(where, 'guarantee', options.guarantee, ['transactional', 'resumable', 'guarded'])
  if (guarantee === 'transactional' && !store.capabilities.transactional) {
    throw new RepriseError(
      'capability-missing',
      `${where} "${options.name}" is transactional, but the store "${store.name}" is not.`,
    )
  }
  const begin = choiceOption(where, 'commitPoint', options.commitPoint, ['first-line', 'named'], 'first-line')
  const wait = options.onConcurrent ?? 'reject'
  if (wait !== 'reject' && (typeof wait !== 'object' || wait === null || !('waitUpTo' in wait))) {
    throw invalid(where, 'onConcurrent', wait, "'reject' or { waitUpTo: duration }")
  }
  const waitMs =
    wait === 'reject'
      ? 0
      : durationOption(where, 'onConcurrent.waitUpTo', wait.waitUpTo, { fallback: 0, maxMs: 60_000 })
  return {
    name: options.name,
    guarantee,
    begunAtClaim: guarantee === 'guarded' && begin === 'first-line',
    ...clocks(where, options, defaults),
    waitMs,
    scope: choiceOption(where, 'scope', options.scope, ['principal', 'operation'], 'principal'),
    pace: 0,
  }
}
