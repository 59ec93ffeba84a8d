/** A store over rows: every step of the port, as a transition that is applied to one row. */

import { RepriseError } from '../../engine/errors.ts'
import { integerOption } from '../../engine/options.ts'
import type { OperationRecord, RecordState } from '../../engine/record.ts'
import type { Capabilities, ListOptions, Page, Store, Swept } from '../../engine/store.ts'
import type { WriteResult } from '../../engine/transitions.ts'
import * as transitions from '../../engine/transitions.ts'
import { decodeRow } from './codec.ts'
import type { Rows } from './rows.ts'
import type { Steps } from './steps.ts'
import type { StoreTime } from './store-time.ts'

export interface RowStoreParts {
  readonly name: string
  readonly capabilities: Capabilities
  readonly rows: Rows
  readonly steps: Steps
  readonly time: StoreTime
  migrate(): Promise<void>
  /** Before the first step: checks what is there, and asks the server for its time. */
  prepare(): Promise<void>
  watch(id: string, signal: AbortSignal): Promise<void>
  /** Closes what the store opened, once nothing is under way any more. */
  close(): Promise<void>
}

/** How many rows a sweep changes at once. */
const sweptAtOnce = 200

/**
 * The highest fence that can have been forgotten by now, in place of a number that every sweep would have to raise: claims
 * are further apart than a microsecond, so a life that begins later begins above every fence of the lives before.
 */
export function fenceFloor(nowMs: number): number {
  return nowMs * 1000
}

/** A store of which everything but transactions is done by rows. `ready` has to be awaited before any of its parts is used. */
export function rowStore(parts: RowStoreParts): Store<never> & { ready(): Promise<void> } {
  const { name, rows, steps, time } = parts
  let preparing: Promise<void> | undefined
  let closing: Promise<void> | undefined

  async function ready(): Promise<void> {
    if (closing !== undefined) throw new RepriseError('store-closed', `The store "${name}" is closed.`)
    preparing ??= parts.prepare().catch((error: unknown) => {
      preparing = undefined
      throw error
    })
    await preparing
  }

  async function write(
    id: string,
    transition: (stored: OperationRecord | undefined, nowMs: number) => WriteResult,
  ): Promise<WriteResult> {
    await ready()
    return steps.run(id, (stored, nowMs) => {
      const result = transition(stored, nowMs)
      return { result, next: result.kind === 'written' ? result.record : undefined }
    })
  }

  return {
    name,
    capabilities: parts.capabilities,
    ready,

    migrate: async () => {
      if (closing !== undefined) throw new RepriseError('store-closed', `The store "${name}" is closed.`)
      await parts.migrate()
      await ready()
    },

    claim: async (operation, terms) => {
      await ready()
      return steps.run(operation.id, (stored, nowMs) => {
        const result = transitions.claim(stored, operation, terms, nowMs, fenceFloor(nowMs))
        return { result, next: result.kind === 'granted' || result.changed ? result.record : undefined }
      })
    },
    beginEffect: (claim) => write(claim.id, (stored) => transitions.beginEffect(stored, claim)),
    recordStep: (claim, step, value) => write(claim.id, (stored) => transitions.recordStep(stored, claim, step, value)),
    renew: (claim, leaseMs) => write(claim.id, (stored, nowMs) => transitions.renew(stored, claim, leaseMs, nowMs)),
    settle: (claim, ending) => write(claim.id, (stored, nowMs) => transitions.settle(stored, claim, ending, nowMs)),
    resolve: (id, seenFence, ending) =>
      write(id, (stored, nowMs) => transitions.resolve(stored, seenFence, ending, nowMs)),

    find: async (id) => {
      await ready()
      return steps.run(id, (stored, nowMs) => ({ result: transitions.asOf(stored, nowMs) }))
    },
    watch: (id, signal) => parts.watch(id, signal),

    erase: async (id) => {
      await ready()
      return steps.run<boolean>(id, (stored, nowMs) => {
        const record = transitions.asOf(stored, nowMs)
        if (record?.state !== 'completed') return { result: false }
        return { result: true, next: transitions.expire(record, nowMs) }
      })
    },

    sweep: async (limit) => {
      await ready()
      const swept = { expired: 0, forgotten: 0 }
      for (let left = limit; left > 0; ) {
        const step = await sweepOnce(parts, Math.min(left, sweptAtOnce))
        swept.expired += step.expired
        swept.forgotten += step.forgotten
        const made = step.expired + step.forgotten
        // Nothing was due, or another process is sweeping the same rows.
        if (made === 0) break
        left -= made
      }
      return swept
    },

    list: async (options) => {
      await ready()
      return list(rows, time, options)
    },

    close: () => {
      closing ??= steps.idle().then(() => parts.close())
      return closing
    },
  }
}

async function sweepOnce({ rows, steps, time }: RowStoreParts, limit: number): Promise<Swept> {
  const due = await rows.due(time.now(), limit)
  const results = await Promise.allSettled(due.map((row) => steps.run(row.id, retire, row)))
  const made = (what: 'expired' | 'forgotten'): number =>
    results.filter((result) => result.status === 'fulfilled' && result.value === what).length
  const swept = { expired: made('expired'), forgotten: made('forgotten') }
  // A record that can't be read keeps none of the others from being swept, and is told when nothing else is left to do.
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined && swept.expired + swept.forgotten === 0) throw failed.reason
  return swept
}

/** What time has made of a record, written down. */
function retire(
  stored: OperationRecord | undefined,
  nowMs: number,
): { result: 'expired' | 'forgotten' | 'kept'; next?: OperationRecord | null } {
  const record = transitions.asOf(stored, nowMs)
  if (record === stored) return { result: 'kept' }
  return record === undefined ? { result: 'forgotten', next: null } : { result: 'expired', next: record }
}

/** A page may hold fewer than its limit where time has changed what a row says; `next` is what tells the last one. */
async function list(rows: Rows, time: StoreTime, options: ListOptions): Promise<Page> {
  const { state, name, cursor } = options
  const limit = integerOption('list()', 'limit', options.limit, { fallback: 100, min: 1, max: 1000 })
  // A row that still says `completed` may have expired by now.
  const states: readonly RecordState[] =
    state === undefined ? [] : state === 'expired' ? ['expired', 'completed'] : [state]
  const page = await rows.page({ states, name, limit, cursor })
  const nowMs = time.now()
  const items = page.rows
    .map((row) => transitions.asOf(decodeRow(row), nowMs))
    .filter((record): record is OperationRecord => record !== undefined && (state ?? record.state) === record.state)
  return { items, next: page.next }
}
