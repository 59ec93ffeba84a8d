/** What a route may say about itself, checked once when it is set up. */

import { choiceOption, integerOption, invalid, refuseUnknown } from '../engine/options.ts'
import {
  compilePolicy,
  type Policy,
  type PolicyDefaults,
  type PolicyOptions,
  policyOptionNames,
} from '../engine/policy.ts'
import type { Store } from '../engine/store.ts'
import type { KeyGrammar } from '../wire/key.ts'
import type { KeyFormat } from '../wire/key-format.ts'
import type { StatusMeanings } from './classify.ts'
import { compileFingerprint, defaultFingerprintHeaders, type Fingerprint } from './fingerprint.ts'
import type { ReplayMode } from './replay.ts'
import { forbiddenToStore, storedHeaderNames } from './stored-headers.ts'

export interface RouteOptions extends PolicyOptions {
  /**
   * Whether a request must bring a key. `required` (the default) refuses one without; `optional` runs it unprotected;
   * `off` ignores keys.
   */
  readonly key?: 'required' | 'optional' | 'off'
  /** `compat` (the default) takes quoted and bare keys, `strict` only the quoted form of the draft. */
  readonly keySyntax?: 'compat' | 'strict'
  /** What keys have to look like; `uuidv7` and `ulid` carry their time, so one older than the record is refused. */
  readonly keyFormat?: KeyFormat
  readonly keyMinLength?: number
  /** Request headers that belong to the meaning of the request, besides the usual ones. */
  readonly fingerprintHeaders?: readonly string[]
  /** JSON Pointers (RFC 6901) of members that may differ between attempts, such as a timestamp. */
  readonly fingerprintExclude?: readonly string[]
  /** Bytes of request body, 1 MiB unless told. More is 413, before any record. */
  readonly requestLimit?: number
  /**
   * Bytes of response body that are stored, 1 MiB unless told. A larger answer is sent once, whole; a replay of it is
   * 409 `idempotency-response-not-kept`, and never a second run.
   */
  readonly responseLimit?: number
  /** Bytes of response body that are held back until the outcome is durable, 16 MiB unless told. */
  readonly responseBuffer?: number
  /** Response headers to store besides the usual ones. */
  readonly replayHeaders?: readonly string[]
  /** What a replay is made of: the stored bytes (`snapshot`) unless told. */
  readonly replay?: ReplayMode
  /** The answer holds a secret: its body is sent once and never stored. */
  readonly sensitive?: boolean
  /**
   * Where the store can't be reached, runs the handler without any protection instead of answering 503. Only with
   * `key: 'optional'`; `onFault` is told of every such run.
   */
  readonly dangerouslyRunUnguarded?: boolean
  /** Statuses that mean something else here than usual, for example `{ 404: 'release' }`. */
  readonly statuses?: StatusMeanings
  /** Accepts requests that came in TLS early data, which the network may repeat (RFC 8470). */
  readonly allowEarlyData?: boolean
}

const routeOptionNames: readonly string[] = [
  ...policyOptionNames,
  'key',
  'keySyntax',
  'keyFormat',
  'keyMinLength',
  'fingerprintHeaders',
  'fingerprintExclude',
  'requestLimit',
  'responseLimit',
  'responseBuffer',
  'replayHeaders',
  'replay',
  'sensitive',
  'dangerouslyRunUnguarded',
  'statuses',
  'allowEarlyData',
]

export interface CompiledRoute {
  readonly policy: Policy
  readonly key: 'required' | 'optional' | 'off'
  readonly grammar: KeyGrammar
  readonly fingerprint: Fingerprint
  readonly requestLimit: number
  readonly responseLimit: number
  readonly responseBuffer: number
  readonly storedHeaders: ReadonlySet<string>
  readonly replay: ReplayMode
  readonly keepsBody: boolean
  readonly runsUnguarded: boolean
  readonly statuses: StatusMeanings | undefined
  readonly allowEarlyData: boolean
}

const mebibyte = 1_048_576
const where = 'The route'

/** Throws `option-unknown`, `option-invalid` or `capability-missing`. */
export function compileRoute(
  options: RouteOptions,
  service: {
    store: Pick<Store, 'name' | 'capabilities'>
    defaults: PolicyDefaults
    pepper: Uint8Array | undefined
    sharesKeys: boolean
  },
): CompiledRoute {
  refuseUnknown(where, options, routeOptionNames)
  const requestLimit = bytesOption('requestLimit', options.requestLimit, mebibyte)
  const responseLimit = bytesOption('responseLimit', options.responseLimit, mebibyte)
  const responseBuffer = bytesOption('responseBuffer', options.responseBuffer, 16 * mebibyte)
  if (responseBuffer < responseLimit) {
    throw invalid(where, 'responseBuffer', responseBuffer, `at least responseLimit (${responseLimit})`)
  }
  const forbidden = forbiddenToStore(options.replayHeaders ?? [])
  if (forbidden.length > 0) {
    throw invalid(where, 'replayHeaders', forbidden, 'headers that mean the same in every response')
  }
  const replay = replayOption(options.replay)
  const runsUnguarded = booleanOption('dangerouslyRunUnguarded', options.dangerouslyRunUnguarded)
  if (runsUnguarded && options.key !== 'optional') {
    throw invalid(where, 'dangerouslyRunUnguarded', true, "left out, or the route's key 'optional'")
  }
  return {
    policy: compilePolicy(where, options, service.store, service.defaults),
    key: choiceOption(where, 'key', options.key, ['required', 'optional', 'off'], 'required'),
    grammar: {
      syntax: choiceOption(where, 'keySyntax', options.keySyntax, ['compat', 'strict'], 'compat'),
      format:
        options.keyFormat instanceof RegExp
          ? options.keyFormat
          : choiceOption(where, 'keyFormat', options.keyFormat, ['any', 'uuid', 'uuidv7', 'ulid'], 'any'),
      minLength: integerOption(where, 'keyMinLength', options.keyMinLength, {
        // Callers who share their keys must not be able to guess each other's: 21 characters are 122 bits and more.
        fallback: service.sharesKeys ? 21 : 1,
        min: 1,
        max: 255,
      }),
      maxLength: 255,
    },
    fingerprint: compileFingerprint({
      headers: [...defaultFingerprintHeaders, ...(options.fingerprintHeaders ?? [])],
      ...(options.fingerprintExclude === undefined ? {} : { exclude: options.fingerprintExclude }),
      ...(service.pepper === undefined ? {} : { pepper: service.pepper }),
      maxDecodedBytes: requestLimit * 8,
    }),
    requestLimit,
    responseLimit,
    responseBuffer,
    storedHeaders: storedHeaderNames(options.replayHeaders ?? []),
    replay,
    keepsBody: !booleanOption('sensitive', options.sensitive) && replay === 'snapshot',
    runsUnguarded,
    statuses: statusesOption(options.statuses),
    allowEarlyData: booleanOption('allowEarlyData', options.allowEarlyData),
  }
}

function bytesOption(name: string, value: unknown, fallback: number): number {
  return integerOption(where, name, value, { fallback, min: 0, max: 1024 * mebibyte })
}

function booleanOption(name: string, value: unknown): boolean {
  if (value === undefined) return false
  if (typeof value !== 'boolean') throw invalid(where, name, value, 'true or false')
  return value
}

function statusesOption(value: StatusMeanings | undefined): StatusMeanings | undefined {
  for (const [status, meaning] of Object.entries(value ?? {})) {
    const known = ['keep', 'refuse', 'release', 'fail'].includes(meaning)
    if (!/^[2-5]\d\d$/.test(status) || !known) {
      throw invalid(where, `statuses[${status}]`, meaning, "'keep', 'refuse', 'release' or 'fail' for a status 200–599")
    }
  }
  return value
}

function replayOption(value: ReplayMode | undefined): ReplayMode {
  if (value === undefined || value === 'snapshot' || value === 'reference') return value ?? 'snapshot'
  if (typeof value === 'object' && typeof value?.reload === 'function') return value
  throw invalid(where, 'replay', value, "'snapshot', 'reference' or { reload: function }")
}
