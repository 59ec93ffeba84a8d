/** What the suite is given of a store, and what each check is given of it. */

import type { Store } from 'reprise/engine'
import type { TestClock } from '../clock/test-clock.ts'

/** Effects in the database that also holds the records: witnesses of what a transaction has done. */
export interface Effects<Tx> {
  /** Reads inside a transaction. */
  get(tx: Tx, key: string): string | undefined | Promise<string | undefined>
  /** Writes inside a transaction. */
  set(tx: Tx, key: string, value: string): void | Promise<void>
  /** Reads what is committed, outside any transaction and without waiting for one. */
  committed(key: string): string | undefined | Promise<string | undefined>
}

/** A store that is open, migrated and empty. */
export interface OpenedStore<Tx> {
  readonly store: Store<Tx>
  /** For transactional stores. */
  readonly effects?: Effects<Tx>
  /**
   * For durable stores: opens the same records again as after a crash of the process. The store before is cut off as the
   * end of its process would cut it off: without `close`, and so that what it has not acknowledged can't appear later.
   * `effects` and `dispose` are then about what was opened last.
   */
  reopen?(): Promise<Store<Tx>>
  /** Closes what is open and removes what is left. Called once, also after a failure. */
  dispose(): Promise<void>
}

/** Opens a store for one check. Checks may run side by side, so two opened stores share nothing. */
export type OpenStore<Tx> = (context: { readonly clock: TestClock }) => Promise<OpenedStore<Tx>>

/** What a store may be exempt from, besides single checks. */
export const abilities = {
  transactional: 'offers `begin`, and `effects` can look at what its transactions do',
  durable: 'can be opened again after a crash, by `reopen`',
  watch: 'offers `watch`',
  'virtual time': 'judges deadlines by the clock that `open` is given',
} as const

export type Ability = keyof typeof abilities

/** The store under a check. `store` is another object after `crash`. */
export interface Subject {
  readonly abilities: ReadonlySet<Ability>
  /** For checks that draw at random. */
  readonly seed: number | undefined
  readonly store: Store
  readonly clock: TestClock
  readonly effects: Effects<unknown>
  /** Ends the process that held the store, as far as the store can tell, and opens it again. */
  crash(): Promise<void>
}

export type Check = (subject: Subject) => Promise<void>

/** Checks of one idea. */
export interface Theme {
  readonly name: string
  readonly needs: readonly Ability[]
  readonly checks: Readonly<Record<string, Check>>
}
