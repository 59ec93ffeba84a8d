/**
 * Steps of records on their way to the rows. Steps that arrive together travel together, and steps of one record are folded
 * into one write: of two hundred claims of an operation one changes the row, and the others learn what it says.
 *
 * A step is applied to what the row is believed to say: nothing, or what this process wrote when it was granted the claim.
 * That is mostly right, and then the step is one round trip. Nothing is concluded from a belief: either the exchange finds
 * the row as it was believed to be, or the step is applied again to what it found.
 */

import type { Clock } from '../../engine/clock.ts'
import { isRepriseError, RepriseError } from '../../engine/errors.ts'
import type { OperationRecord } from '../../engine/record.ts'
import { decodeRow, type Row } from './codec.ts'
import { type Change, type Exchanged, type Rows, type Written, written } from './rows.ts'
import type { StoreTime } from './store-time.ts'

/**
 * A transition: what it concludes about a record, and what the record becomes where it changes; `null` where it is
 * removed.
 */
export type Step<T> = (
  stored: OperationRecord | undefined,
  nowMs: number,
) => { readonly result: T; readonly next?: OperationRecord | null | undefined }

export interface StepLimits {
  /** How many records travel in one exchange. */
  readonly batch: number
  /** How many exchanges are under way at once. */
  readonly lanes: number
}

/** How often a record may have changed between the reading and the writing before the step gives up. */
const triesMax = 100
/** How many claims of this process are remembered; the settlement of one that is not costs one more round trip. */
const rememberedMax = 10_000

interface Waiting {
  readonly id: string
  /** What its row said a moment ago. */
  readonly seen: Row | undefined
  readonly steps: {
    readonly apply: Step<unknown>
    readonly resolve: (value: never) => void
    readonly reject: (error: unknown) => void
  }[]
}

/** What a row says, or is believed to say. */
interface Base {
  readonly text: string | undefined
  readonly record: OperationRecord | undefined
  readonly sure: boolean
}

/** What the steps of one record have come to. */
interface Plan {
  readonly waiting: Waiting
  readonly base: Base
  readonly results: readonly unknown[]
  /** The record after the last of them. */
  readonly record: OperationRecord | undefined
  readonly to: Written | null | undefined
}

const nothing: Base = { text: undefined, record: undefined, sure: false }

export class Steps {
  readonly #rows: Rows
  readonly #time: StoreTime
  readonly #clock: Clock
  readonly #limits: StepLimits
  readonly #concluded: (id: string, to: Written | null | undefined) => void
  readonly #waiting = new Map<string, Waiting>()
  readonly #underWay = new Set<string>()
  /** What this process wrote into the rows of the claims that it holds. */
  readonly #remembered = new Map<string, Base>()
  readonly #idle: (() => void)[] = []
  #lanesTaken = 0
  #scheduled = false

  /** `concluded` is told of every record whose steps have come to an end, and of what they have written into its row. */
  constructor(
    rows: Rows,
    time: StoreTime,
    clock: Clock,
    limits: StepLimits,
    concluded: (id: string, to: Written | null | undefined) => void,
  ) {
    this.#rows = rows
    this.#time = time
    this.#clock = clock
    this.#limits = limits
    this.#concluded = concluded
  }

  /**
   * Applies a step to a record, and resolves with what it concluded when that is durable. `seen` is what its row said a
   * moment ago, where that is known.
   */
  run<T>(id: string, apply: Step<T>, seen?: Row): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let waiting = this.#waiting.get(id)
      if (waiting === undefined) {
        waiting = { id, seen, steps: [] }
        this.#waiting.set(id, waiting)
      }
      waiting.steps.push({ apply, resolve, reject })
      this.#schedule()
    })
  }

  /** Resolves when no step is under way. */
  async idle(): Promise<void> {
    if (this.#waiting.size === 0 && this.#underWay.size === 0) return
    await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  #schedule(): void {
    if (this.#limits.batch === 1) {
      this.#depart()
      return
    }
    if (this.#scheduled || this.#lanesTaken >= this.#limits.lanes) return
    this.#scheduled = true
    // Everything that arrives in this turn of the loop travels together.
    this.#clock.soon(() => {
      this.#scheduled = false
      this.#depart()
    })
  }

  #depart(): void {
    while (this.#lanesTaken < this.#limits.lanes) {
      const batch: Waiting[] = []
      for (const [id, waiting] of this.#waiting) {
        if (this.#underWay.has(id)) continue
        this.#waiting.delete(id)
        this.#underWay.add(id)
        batch.push(waiting)
        if (batch.length === this.#limits.batch) break
      }
      if (batch.length === 0) break
      this.#lanesTaken++
      void this.#travel(batch).then(() => {
        this.#lanesTaken--
        if (this.#waiting.size > 0) this.#schedule()
        else if (this.#underWay.size === 0) for (const resolve of this.#idle.splice(0)) resolve()
      })
    }
  }

  /** Brings a batch to its end. Never throws: each step is told of its own. */
  async #travel(batch: readonly Waiting[]): Promise<void> {
    let left: { readonly waiting: Waiting; readonly base: Base }[] = []
    for (const waiting of batch) {
      const base = waiting.seen === undefined ? this.#remembered.get(waiting.id) : this.#baseOf(waiting, waiting.seen)
      left.push({ waiting, base: base ?? nothing })
    }
    for (let tries = 1; left.length > 0; tries++) {
      const plans: Plan[] = []
      for (const { waiting, base } of left) {
        const plan = this.#plan(waiting, base)
        if (plan === undefined) continue
        if (base.sure && plan.to === undefined) this.#conclude(plan)
        else plans.push(plan)
      }
      if (plans.length === 0) return
      if (tries > triesMax) {
        return this.#fail(plans, new RepriseError('store-unavailable', 'The record changes too fast to be written.'))
      }
      let exchanged: readonly Exchanged[]
      try {
        exchanged = await this.#rows.exchange(plans.map(changeOf))
      } catch (error) {
        if (plans.length === 1 || this.#rows.divides?.(error) !== true) return this.#fail(plans, error)
        await Promise.all(plans.map(({ waiting }) => this.#travel([waiting])))
        return
      }
      left = []
      for (const [n, plan] of plans.entries()) {
        const end = exchanged[n] as Exchanged
        if (end.kind === 'done') this.#conclude(plan)
        else {
          const base = this.#baseOf(plan.waiting, end.row)
          if (base !== undefined) left.push({ waiting: plan.waiting, base })
        }
      }
    }
  }

  /** Applies the steps of a record one after the other; `undefined` where one of them fails, and has been told so. */
  #plan(waiting: Waiting, base: Base): Plan | undefined {
    const nowMs = this.#time.now()
    let record = base.record
    let changed = false
    const results: unknown[] = []
    try {
      for (const { apply } of waiting.steps) {
        const { result, next } = apply(record, nowMs)
        results.push(result)
        if (next === undefined) continue
        record = next ?? undefined
        changed = true
      }
      const to = !changed ? undefined : record === undefined ? null : written(record)
      return { waiting, base, results, record, to }
    } catch (error) {
      this.#reject(waiting, error)
      return undefined
    }
  }

  #baseOf(waiting: Waiting, row: Row | undefined): Base | undefined {
    if (row === undefined) return { ...nothing, sure: true }
    try {
      return { text: row.record, record: decodeRow(row), sure: true }
    } catch (error) {
      this.#reject(waiting, error)
      return undefined
    }
  }

  #conclude({ waiting, base, results, record, to }: Plan): void {
    this.#remembered.delete(waiting.id)
    if (record?.state === 'running') this.#remember(waiting.id, { text: to?.record ?? base.text, record, sure: false })
    for (const [n, step] of waiting.steps.entries()) step.resolve(results[n] as never)
    this.#end(waiting, to)
  }

  #remember(id: string, base: Base): void {
    if (this.#remembered.size >= rememberedMax) {
      for (const [oldest] of this.#remembered) {
        this.#remembered.delete(oldest)
        break
      }
    }
    this.#remembered.set(id, base)
  }

  #fail(plans: readonly Plan[], error: unknown): void {
    for (const { waiting } of plans) this.#reject(waiting, error)
  }

  #reject(waiting: Waiting, error: unknown): void {
    this.#remembered.delete(waiting.id)
    const told = isRepriseError(error)
      ? error
      : new RepriseError('store-unavailable', 'The store could not do its work.', { cause: error })
    for (const { reject } of waiting.steps) reject(told)
    this.#end(waiting)
  }

  #end({ id }: Waiting, to?: Written | null): void {
    this.#underWay.delete(id)
    this.#concluded(id, to)
  }
}

function changeOf({ waiting, base, to }: Plan): Change {
  return { id: waiting.id, from: base.text, to }
}
