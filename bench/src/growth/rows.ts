/** Many rows like the one that a store has written, as if their operations had come one after the other for half a day. */

import { randomBytes } from 'node:crypto'
import { operationId } from 'reprise/engine'
import { answerOf, knownPrefix, type Order, requestBody, tenant } from '../workload.ts'

/** A row as a store keeps it: ids aside, the columns are the same in SQLite and in PostgreSQL. */
export interface KeptRow {
  readonly id: string
  readonly dueAtMs: number
  readonly record: string
  readonly body: string
}

export function idOfKnown(n: number): string {
  return operationId({ namespace: '', scope: '', principal: tenant, key: `${knownPrefix}${n}` }, undefined)
}

const spanMs = 12 * 3_600_000
/** Where a completed record keeps its attempt, and its times: made, completed, retained until, forgotten at. */
const attemptAt = 6
const timesAt = [8, 9, 10, 11] as const

/** The rows of the known keys from `from` up to `to`. Throws where the store no longer writes what this expects. */
export function* rowsLike(written: KeptRow, from: number, to: number): Generator<KeptRow> {
  const head = JSON.parse(written.record) as unknown[]
  const times = timesAt.map((at) => head[at] as number)
  if (head[1] !== 'completed' || times[2] !== written.dueAtMs || times.some((time) => !Number.isSafeInteger(time))) {
    throw new Error(`The store writes records of another form: ${written.record}`)
  }
  const order = JSON.parse(requestBody) as Order
  if (!/^\{"id":"o_\d+"/.test(written.body)) throw new Error(`The store writes another body: ${written.body}`)
  for (let n = from; n < to; n++) {
    const earlierMs = Math.round((spanMs * (to - n)) / to)
    for (const [which, at] of timesAt.entries()) head[at] = (times[which] as number) - earlierMs
    head[attemptAt] = randomBytes(16).toString('base64url')
    yield {
      id: idOfKnown(n),
      dueAtMs: head[timesAt[2]] as number,
      record: JSON.stringify(head),
      body: JSON.stringify(answerOf(n, order)),
    }
  }
}
