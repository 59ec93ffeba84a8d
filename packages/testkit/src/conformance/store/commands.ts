/** The commands of random lives, and the world that a store and its model live them in, each on its own. */

import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Claim, Operation, OperationRecord, Store, Terms, TransactionEnding } from 'reprise/engine'
import type { Ability, Effects } from '../subject.ts'
import {
  anOperation,
  completed,
  handlerFailed,
  horizons,
  leaseMs,
  notApplied,
  notBegun,
  otherwise,
  terms,
} from './given.ts'
import { beginOn } from './transacting.ts'

type DecisionName = 'completed' | 'notApplied'
type EndingName = DecisionName | 'notBegun' | 'unknown'
type TransactionEndingName = 'kept' | 'undone' | 'released'

const endings = { completed: completed(), notBegun, notApplied, unknown: handlerFailed } as const

export type Command =
  | { readonly do: 'claim'; readonly of: number; readonly by: number; readonly otherwise: boolean }
  | { readonly do: 'settle'; readonly of: number; readonly by: number; readonly as: EndingName }
  | { readonly do: 'begin effect' | 'renew'; readonly of: number; readonly by: number }
  | { readonly do: 'record step'; readonly of: number; readonly by: number; readonly name: string }
  | { readonly do: 'resolve'; readonly of: number; readonly as: DecisionName; readonly stale: boolean }
  | {
      readonly do: 'transact'
      readonly of: number
      readonly by: number
      readonly as: TransactionEndingName
    }
  | { readonly do: 'erase'; readonly of: number }
  | { readonly do: 'sweep' }
  | { readonly do: 'crash' }
  | { readonly do: 'wait'; readonly ms: number }

/** Few operations and few attempts, so that they meet. */
const of = fc.nat(1)
const by = fc.nat(3)
const waits = [1, leaseMs, leaseMs, horizons.retentionMs, horizons.tombstoneMs]

/** A command that a store with these abilities understands. */
export function command(abilities: ReadonlySet<Ability>): fc.Arbitrary<Command> {
  const one = <T extends Command['do']>(word: T): fc.Arbitrary<T> => fc.constant(word)
  const as = fc.constantFrom<EndingName[]>('completed', 'notBegun', 'notApplied', 'unknown')
  const commands: fc.WeightedArbitrary<Command>[] = [
    { weight: 5, arbitrary: fc.record({ do: one('claim'), of, by, otherwise: fc.nat(4).map((n) => n === 0) }) },
    { weight: 4, arbitrary: fc.record({ do: one('settle'), of, by, as }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('begin effect', 'renew'), of, by }) },
    { weight: 2, arbitrary: fc.record({ do: one('record step'), of, by, name: fc.constantFrom('reserve', 'charge') }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: one('resolve'),
        of,
        as: fc.constantFrom<DecisionName[]>('completed', 'notApplied'),
        stale: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: one('erase'), of }) },
    { weight: 1, arbitrary: fc.record({ do: one('sweep') }) },
    { weight: 3, arbitrary: fc.record({ do: one('wait'), ms: fc.constantFrom(...waits) }) },
  ]
  if (abilities.has('durable')) commands.push({ weight: 1, arbitrary: fc.record({ do: one('crash') }) })
  if (abilities.has('transactional')) {
    const transactAs = fc.constantFrom<TransactionEndingName[]>('kept', 'undone', 'released')
    commands.push({ weight: 3, arbitrary: fc.record({ do: one('transact'), of, by, as: transactAs }) })
  }
  return fc.oneof(...commands)
}

/** How a command ended, in words that are the same on every store. */
export type Results = readonly (string | number | boolean)[]

/** What the attempts of one life know on one store. */
export class World {
  readonly #operations: readonly Operation[]
  readonly #attempts: readonly (readonly Terms[])[]
  readonly #transactions: readonly (readonly Terms[])[]
  readonly #effects: Pick<Effects<unknown>, 'set'>
  readonly #claims = new Map<Terms, Claim>()
  readonly #latest = new Map<string, OperationRecord>()
  #effect = 0

  /** Operations and attempts are made once, and given to the world of each store. */
  constructor(cast: Cast, effects: Pick<Effects<unknown>, 'set'>) {
    this.#operations = cast.operations
    this.#attempts = cast.attempts
    this.#transactions = cast.transactions
    this.#effects = effects
  }

  async apply(command: Exclude<Command, { do: 'wait' | 'crash' }>, store: Store): Promise<Results> {
    if (command.do === 'sweep') return [(await store.sweep(1000)) && 'swept']
    const operation = this.#operations[command.of] as Operation
    switch (command.do) {
      case 'claim':
        return this.#claim(store, command.otherwise ? otherwise(operation) : operation, this.#terms(command))
      case 'settle':
        return [(await store.settle(this.#held(command), endings[command.as])).kind]
      case 'begin effect':
        return [(await store.beginEffect(this.#held(command))).kind]
      case 'renew':
        return [(await store.renew(this.#held(command), 2 * leaseMs)).kind]
      case 'record step':
        return [(await store.recordStep(this.#held(command), command.name, `by attempt ${command.by}`)).kind]
      case 'resolve': {
        const seen = (await store.find(operation.id))?.fence ?? 1
        return [(await store.resolve(operation.id, command.stale ? seen - 1 : seen, endings[command.as])).kind]
      }
      case 'transact':
        return this.#transact(store, operation, this.#transactions[command.of]?.[command.by] as Terms, command.as)
      case 'erase':
        return [await store.erase(operation.id)]
    }
  }

  async #claim(store: Store, operation: Operation, asked: Terms): Promise<Results> {
    const { kind, record } = await store.claim(operation, asked)
    if (kind === 'found') return [kind, record.state]
    // The law of fences: a new claim has a higher one than any before it.
    const before = this.#latest.get(operation.id)
    assert.ok(before === undefined || record.fence > before.fence || this.#claims.get(asked)?.fence === record.fence)
    this.#latest.set(operation.id, record)
    this.#claims.set(asked, { id: operation.id, attemptId: asked.attemptId, fence: record.fence })
    return [kind, record.attempts, record.effect]
  }

  async #transact(store: Store, operation: Operation, asked: Terms, as: TransactionEndingName): Promise<Results> {
    const result = await beginOn(store)(operation, asked, () => assert.fail('not given up'))
    if (result.kind === 'found') return [result.kind, result.record.state]
    await this.#effects.set(result.transaction.tx, operation.id, `effect ${++this.#effect}`)
    const ending: TransactionEnding =
      as === 'released' ? { kind: 'released', ...horizons } : { ...completed(), effect: as }
    return [result.transaction.number, (await result.transaction.end(ending)).kind]
  }

  #terms({ of: which, by: whom }: { readonly of: number; readonly by: number }): Terms {
    return this.#attempts[which]?.[whom] as Terms
  }

  /** The claim that the attempt was given last, or one that nobody has given it. */
  #held(command: { readonly of: number; readonly by: number }): Claim {
    const asked = this.#terms(command)
    const id = (this.#operations[command.of] as Operation).id
    return this.#claims.get(asked) ?? { id, attemptId: asked.attemptId, fence: 1 }
  }
}

/** Who takes part in a life. */
export interface Cast {
  readonly operations: readonly Operation[]
  readonly attempts: readonly (readonly Terms[])[]
  /** Those of transactions: an attempt either claims or begins. */
  readonly transactions: readonly (readonly Terms[])[]
}

export function cast(): Cast {
  const operations = [anOperation(), anOperation()]
  const attempts = operations.map(() => [
    terms(),
    terms({ begun: true }),
    terms({ guarantee: 'resumable' }),
    terms({ guarantee: 'resumable' }),
  ])
  const transactions = attempts.map((several) => several.map(() => terms({ guarantee: 'transactional' })))
  return { operations, attempts, transactions }
}
