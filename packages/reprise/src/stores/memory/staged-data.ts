/**
 * The data of one transaction: writes wait here until the commit, and what was read is remembered, so that the commit
 * can tell whether it still holds.
 */

import type { RepriseError } from '../../engine/errors.ts'

/** What a transactional handler gets as `attempt.tx`: keys and values of {@link MemoryStore.data}. */
export interface MemoryTx {
  /**
   * The value as this transaction sees it: its own write, otherwise what was committed when it first looked. Values are
   * handed out as they were given: `set` a new one rather than change one in place.
   */
  get(key: string): unknown
  /** Takes effect when the transaction commits, together with its outcome. */
  set(key: string, value: unknown): void
  delete(key: string): void
}

const absent: unique symbol = Symbol('absent')

export class StagedData implements MemoryTx {
  readonly #data: Map<string, unknown>
  /** What the shared data held when this transaction first touched a key. Made late: not every handler looks. */
  #seen: Map<string, unknown> | undefined
  #staged: Map<string, unknown> | undefined
  /** Makes the error: most transactions end without anybody asking for it. */
  #refusal: (() => RepriseError) | undefined

  constructor(data: Map<string, unknown>) {
    this.#data = data
  }

  get(key: string): unknown {
    if (this.#refusal !== undefined) throw this.#refusal()
    const seen = this.#see(key)
    const value = this.#staged?.has(key) === true ? this.#staged.get(key) : seen
    return value === absent ? undefined : value
  }

  set(key: string, value: unknown): void {
    if (this.#refusal !== undefined) throw this.#refusal()
    this.#see(key)
    this.#staged ??= new Map()
    this.#staged.set(key, value)
  }

  delete(key: string): void {
    this.set(key, absent)
  }

  /** Refuses all use from here on. */
  refuse(error: () => RepriseError): void {
    this.#refusal ??= error
  }

  /**
   * Everything that this transaction saw is still so: it could as well have run just now, in one instant. Compared by
   * value and not by version, since a value that has come back misleads nobody.
   */
  holds(): boolean {
    if (this.#seen !== undefined) {
      for (const [key, value] of this.#seen) if (!Object.is(this.#committed(key), value)) return false
    }
    return true
  }

  apply(): void {
    if (this.#staged === undefined) return
    for (const [key, value] of this.#staged) {
      if (value === absent) this.#data.delete(key)
      else this.#data.set(key, value)
    }
  }

  #see(key: string): unknown {
    this.#seen ??= new Map()
    if (!this.#seen.has(key)) this.#seen.set(key, this.#committed(key))
    return this.#seen.get(key)
  }

  #committed(key: string): unknown {
    const value = this.#data.get(key)
    return value === undefined && !this.#data.has(key) ? absent : value
  }
}
