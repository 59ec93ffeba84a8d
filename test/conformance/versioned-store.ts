/** A store over any table of rows with versions: DynamoDB, etcd, NATS KV, object storage with conditional writes. */

import * as life from 'reprise/engine'
import { type Clock, type OperationRecord, RepriseError, type Store, type WriteResult } from 'reprise/engine'

/** The little that it asks of a database: a write that fails when its row has changed since it was read. */
export interface VersionedTable {
  get(id: string): Promise<{ readonly value: string; readonly version: number } | undefined>
  /** False, and nothing written, when the row no longer has this version; 0 stands for no row. */
  put(id: string, value: string, version: number): Promise<boolean>
  delete(id: string, version: number): Promise<boolean>
  ids(): Promise<readonly string[]>
}

const floorRow = 'fence-floor'

export function versionedStore(table: VersionedTable, clock: Clock): Store<never> {
  let closed = false

  async function row(id: string): Promise<{ record: OperationRecord | undefined; version: number }> {
    if (closed) throw new RepriseError('store-closed', 'The store is closed.')
    const found = await table.get(id)
    return { record: found && decode(found.value), version: found?.version ?? 0 }
  }

  /** Applies one transition at one instant: read, decide, write if nothing has changed, otherwise all over again. */
  async function step<T>(
    id: string,
    apply: (
      stored: OperationRecord | undefined,
      nowMs: number,
      floor: number,
    ) => readonly [T, OperationRecord | undefined],
  ): Promise<T> {
    for (;;) {
      const { record, version } = await row(id)
      // Read after the row: a sweep raises the floor before it deletes, so an absent row can't hide a higher fence.
      const floor = record === undefined ? Number((await table.get(floorRow))?.value ?? 0) : 0
      const [result, next] = apply(record, clock.now(), floor)
      if (next === undefined || (await table.put(id, encode(next), version))) return result
    }
  }

  const write = (id: string, apply: (stored: OperationRecord | undefined, nowMs: number) => WriteResult) =>
    step(id, (stored, nowMs) => {
      const result = apply(stored, nowMs)
      return [result, result.kind === 'written' ? result.record : undefined]
    })

  async function raiseFloor(fence: number): Promise<void> {
    for (;;) {
      const found = await table.get(floorRow)
      if (Number(found?.value ?? 0) >= fence) return
      if (await table.put(floorRow, String(fence), found?.version ?? 0)) return
    }
  }

  return {
    name: 'versioned',
    // As durable as the table: say what yours keeps.
    capabilities: { transactional: false, durable: false, survivesFailover: false, wakesWaiters: false },
    migrate: async () => undefined,

    claim: (operation, terms) =>
      step(operation.id, (stored, nowMs, floor) => {
        const result = life.claim(stored, operation, terms, nowMs, floor)
        return [result, result.kind === 'granted' || result.changed ? result.record : undefined]
      }),
    beginEffect: (claim) => write(claim.id, (stored) => life.beginEffect(stored, claim)),
    recordStep: (claim, name, value) => write(claim.id, (stored) => life.recordStep(stored, claim, name, value)),
    renew: (claim, leaseMs) => write(claim.id, (stored, nowMs) => life.renew(stored, claim, leaseMs, nowMs)),
    settle: (claim, ending) => write(claim.id, (stored, nowMs) => life.settle(stored, claim, ending, nowMs)),
    resolve: (id, fence, ending) => write(id, (stored, nowMs) => life.resolve(stored, fence, ending, nowMs)),
    erase: (id) =>
      step(id, (stored, nowMs) => {
        const record = life.asOf(stored, nowMs)
        return record?.state === 'completed' ? [true, life.expire(record, nowMs)] : [false, undefined]
      }),

    find: async (id) => life.asOf((await row(id)).record, clock.now()),

    list: async ({ state, name, limit = 100, cursor = '' }) => {
      const items: OperationRecord[] = []
      for (const id of (await table.ids()).filter((id) => id !== floorRow && id > cursor).sort()) {
        const record = life.asOf((await row(id)).record, clock.now())
        if (record === undefined || (state ?? record.state) !== record.state || (name ?? record.name) !== record.name)
          continue
        if (items.length === limit) return { items, next: items.at(-1)?.id }
        items.push(record)
      }
      return { items, next: undefined }
    },

    sweep: async (limit) => {
      const swept = { expired: 0, forgotten: 0 }
      for (const id of await table.ids()) {
        if (id === floorRow || swept.expired + swept.forgotten >= limit) continue
        const { record, version } = await row(id)
        if (record === undefined || (life.dueAtMs(record) ?? Number.POSITIVE_INFINITY) > clock.now()) continue
        if (record.state === 'completed') {
          if (await table.put(id, encode(life.expire(record)), version)) swept.expired++
        } else {
          await raiseFloor(record.fence)
          if (await table.delete(id, version)) swept.forgotten++
        }
      }
      return swept
    },

    close: async () => {
      closed = true
    },
  }
}

/** Bytes as base64: everything else of a record is JSON as it is. */
function encode(record: OperationRecord): string {
  if (record.state !== 'completed' || record.outcome.body === null) return JSON.stringify(record)
  const body = Buffer.from(record.outcome.body).toString('base64')
  return JSON.stringify({ ...record, outcome: { ...record.outcome, body } })
}

function decode(text: string): OperationRecord {
  const record = JSON.parse(text)
  if (record.state === 'completed' && record.outcome.body !== null) {
    record.outcome.body = new Uint8Array(Buffer.from(record.outcome.body, 'base64'))
  }
  return record
}
