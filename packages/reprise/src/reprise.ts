/** One service's Reprise: a store, the way to tell who asks, and the clocks. */

import { type Clock, systemClock } from './engine/clock.ts'
import type { Duration } from './engine/duration.ts'
import { Engine } from './engine/engine.ts'
import { type Randomness, systemRandomness } from './engine/ids.ts'
import { type Pepper, pepperOf } from './engine/operation-id.ts'
import { integerOption, invalid, refuseUnknown } from './engine/options.ts'
import { clocks, defaultPolicy, type PolicyDefaults } from './engine/policy.ts'
import type { OperationRecord } from './engine/record.ts'
import type { ListOptions, Page, Store, Swept } from './engine/store.ts'
import { compileFingerprint } from './http/fingerprint.ts'
import type { HttpRequest } from './http/request.ts'
import { Route } from './http/route.ts'
import { compileRoute, type RouteOptions } from './http/route-options.ts'
import type { Fault, PrincipalOf, Service } from './http/service.ts'
import { type RunEffect, type RunEnd, type RunInput, type RunPolicy, runOperation } from './run.ts'
import { type HeaderNames, headerNames } from './wire/headers.ts'
import { PROBLEM_TYPE_BASE } from './wire/problem.ts'

interface CommonOptions<Tx> {
  readonly store: Store<Tx>
  /** How long outcomes are replayed, from completion: 24 h unless told. */
  readonly retention?: Duration
  /** How long, after that, their keys are refused: 7 d unless told. */
  readonly tombstone?: Duration
  /** How long a claim is honoured without renewal: 60 s unless told. */
  readonly lease?: Duration
  /** Keeps the keys of two environments on one store apart, for example `live` and `test`. */
  readonly namespace?: string
  /**
   * At least 32 secret bytes that key the ids and fingerprints at rest. Never change it: two ids for one operation
   * would be two effects.
   */
  readonly pepper?: Uint8Array
  /** Bytes of completed outcomes kept in this process, 16 MiB unless told; 0 for none. */
  readonly replayCacheBytes?: number
  /** Duplicates that may wait at once for one operation (32) and in this process (1,000). */
  readonly waiters?: { readonly perOperation?: number; readonly perProcess?: number }
  /** Other names for the header fields. */
  readonly headers?: Partial<HeaderNames>
  /** Where the `type` URIs of problems point. */
  readonly problemTypeBase?: string
  /** 422 unless told. */
  readonly mismatchStatus?: 400 | 409 | 422
  /** The id of a request, stored with its outcome and named in every replay. */
  readonly requestId?: (request: HttpRequest) => string | null | undefined
  /** Told of what went wrong behind an answer 503 or an unknown outcome. */
  readonly onFault?: (error: unknown, fault: Fault) => void
  readonly clock?: Clock
  readonly randomness?: Randomness
}

/**
 * `principal` has no default: keys of one caller must never answer another. A service without callers to tell apart has
 * to spell that out.
 */
export type RepriseOptions<Tx> = CommonOptions<Tx> &
  (
    | { readonly principal: PrincipalOf; readonly dangerouslyShareKeysAmongCallers?: never }
    | { readonly dangerouslyShareKeysAmongCallers: true; readonly principal?: never }
  )

export interface Reprise<Tx = unknown> {
  readonly store: Store<Tx>
  /** @internal Adapters make their routes with it. */
  route(options: RouteOptions): Route<Tx>
  /**
   * Runs an effect once per (principal, key) without HTTP: for jobs, queues and tests.
   *
   * @example
   * const end = await reprise.run({ name: 'invoice.send', guarantee: 'guarded' }, { principal, key, input }, send)
   */
  run<T>(policy: RunPolicy, input: RunInput, effect: RunEffect<Tx, T>): Promise<RunEnd<T>>
  /** Retires what is past its time, at most `limit` records (1,000 unless told). */
  sweep(limit?: number): Promise<Swept>
  /** For operators: one record, or undefined. */
  find(id: string): Promise<OperationRecord | undefined>
  /** For operators: records page by page. */
  list(options?: ListOptions): Promise<Page>
  /** Drops a stored outcome, here and in the store; its key stays refused. */
  erase(id: string): Promise<boolean>
}

const optionNames = [
  'store',
  'principal',
  'dangerouslyShareKeysAmongCallers',
  'retention',
  'tombstone',
  'lease',
  'namespace',
  'pepper',
  'replayCacheBytes',
  'waiters',
  'headers',
  'problemTypeBase',
  'mismatchStatus',
  'requestId',
  'onFault',
  'clock',
  'randomness',
]
const where = 'createReprise'

/**
 * Sets up Reprise for one service.
 *
 * Throws `option-unknown` and `option-invalid`, with the option's name.
 *
 * @example
 * const reprise = createReprise({
 *   store: sqlite({ file: 'app.db' }),
 *   principal: (request) => request.headers.get('x-tenant'),
 * })
 */
export function createReprise<Tx>(options: RepriseOptions<Tx>): Reprise<Tx> {
  refuseUnknown(where, options, optionNames)
  const { store } = options
  if (typeof store?.claim !== 'function')
    throw invalid(where, 'store', store, 'a store, such as memory() or sqlite({ file })')
  const defaults = clocks(where, options, defaultPolicy)
  const pepper = pepperOption(options.pepper)
  const clock = options.clock ?? systemClock
  const engine = new Engine<Tx>(
    { store, clock, randomness: options.randomness ?? systemRandomness },
    {
      replayCacheBytes: integerOption(where, 'replayCacheBytes', options.replayCacheBytes, {
        fallback: 16 * 1_048_576,
        min: 0,
        max: Number.MAX_SAFE_INTEGER,
      }),
      waiting: waitersOption(options.waiters),
    },
  )
  const service: Service<Tx> = {
    engine,
    principalOf: principalOption(options),
    namespace: options.namespace ?? '',
    pepper,
    fingerprint: compileFingerprint(options.pepper === undefined ? {} : { pepper: options.pepper }),
    style: {
      typeBase: options.problemTypeBase ?? PROBLEM_TYPE_BASE,
      names: headerNames(options.headers),
      mismatchStatus: options.mismatchStatus ?? 422,
    },
    requestId: options.requestId,
    onFault: options.onFault ?? (() => undefined),
  }
  return {
    store,
    route: (route) =>
      new Route(
        service,
        compileRoute(route, {
          store,
          defaults,
          pepper: options.pepper,
          sharesKeys: options.dangerouslyShareKeysAmongCallers === true,
        }),
      ),
    run: (policy, input, effect) => runOperation(service, defaults, policy, input, effect),
    sweep: (limit = 1000) => store.sweep(limit),
    find: (id) => store.find(id),
    list: (list = {}) => store.list(list),
    erase: async (id) => {
      const erased = await store.erase(id)
      engine.forget(id)
      return erased
    },
  }
}

function principalOption<Tx>(options: RepriseOptions<Tx>): PrincipalOf {
  if (options.dangerouslyShareKeysAmongCallers === true) return () => 'anonymous'
  const { principal } = options
  if (typeof principal !== 'function') {
    throw invalid(where, 'principal', principal, 'a function from a request to the account that asks')
  }
  return principal
}

function pepperOption(pepper: Uint8Array | undefined): Pepper | undefined {
  if (pepper === undefined) return undefined
  if (!(pepper instanceof Uint8Array) || pepper.byteLength < 32) {
    throw invalid(where, 'pepper', `${pepper.byteLength} bytes`, 'at least 32 secret bytes')
  }
  return pepperOf(pepper)
}

function waitersOption(given: { perOperation?: number; perProcess?: number } | undefined): {
  perOperation: number
  perProcess: number
} {
  refuseUnknown(`${where}: "waiters"`, given ?? {}, ['perOperation', 'perProcess'])
  const max = 1_000_000
  return {
    perOperation: integerOption(where, 'waiters.perOperation', given?.perOperation, { fallback: 32, min: 0, max }),
    perProcess: integerOption(where, 'waiters.perProcess', given?.perProcess, { fallback: 1000, min: 0, max }),
  }
}

export type { PolicyDefaults }
