/**
 * The locks of an operation in flight: the first of its id and fingerprint, the second of its id alone. Who gets neither has
 * met the same request; who fails at the second only, another request under the same key. They belong to a connection and
 * go with it. They only spare work: the primary key guards.
 */

import { hash } from 'node:crypto'

export interface LockNames {
  readonly same: string
  readonly any: string
}

/** Names are those of a whole server, without regard to case, and hold 64 characters at most. */
export function lockName(...parts: readonly string[]): string {
  return `reprise:${hash('sha256', parts.map((part) => `${part.length}:${part}`).join(''), 'hex').slice(0, 56)}`
}

export function lockNames(where: string, id: string, fingerprint: string): LockNames {
  return { same: lockName(where, id, fingerprint), any: lockName(where, id) }
}

export type Met = 'nobody' | 'same' | 'other'

/** Takes both locks, or neither, and says who was met. */
export function takeLocks({ same, any }: LockNames): string {
  const second = `case when get_lock('${any}', 0) = 1 then 'nobody' when release_lock('${same}') then 'other' else 'other' end`
  return `case when get_lock('${same}', 0) = 1 then ${second} else 'same' end`
}

/** The second goes first: between the two, who comes with the same request must not take it for another. */
export function releaseLocks({ same, any }: LockNames): string {
  return `do release_lock('${any}'), release_lock('${same}')`
}
