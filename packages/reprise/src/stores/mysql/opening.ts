/** How a transaction is opened: what is said to the connection, and what it answers. */

import type { Row } from '../rows/codec.ts'
import type { MysqlConnection } from './client.ts'
import { type LockNames, type Met, releaseLocks, takeLocks } from './locks.ts'
import { plainly, rowsOf, type Session, type SqlRow, type Statement } from './session.ts'
import { nowMs, rowOf, type Table } from './table.ts'

export type Isolation = 'read-committed' | 'repeatable-read' | 'serializable'

/** Ends with the transaction that it is set in, however that ends: whether it is still there says whether ours is. */
const mark = 'reprise'

/** A process that stops in the middle of an attempt keeps its locks for this much longer than its lease, in seconds. */
const graceS = 5

export interface Opened {
  readonly met: Met
  readonly row: Row | undefined
  readonly nowMs: number
  /** The connection, by the server's own number. */
  readonly number: number
  /** What the connection's own bound on idling was: MariaDB only. */
  readonly idleS: number | 'default' | undefined
}

/**
 * Takes the locks, then looks at the record, then begins: looked at in another order, an outcome that is committed in between
 * would be missed, and its effect run for nothing.
 */
export async function look(
  session: Session<MysqlConnection>,
  table: Table,
  id: string,
  locks: LockNames,
  isolation: Isolation,
  leaseMs: number,
): Promise<Opened> {
  const idle = session.compound ? ', @@session.idle_transaction_timeout as idle' : ''
  const first = rowsOf(`select ${takeLocks(locks)} as met, connection_id() as number, ${nowMs} as now_ms${idle}`)
  const second = rowsOf(table.look([id]))
  const rest = session.compound ? opening(session, isolation, leaseMs) : []
  const [[held], [found]] = (await session.together([first, second, ...rest])) as [SqlRow[], SqlRow[]]
  return {
    met: held?.met as Met,
    row: found === undefined ? undefined : rowOf(found, id),
    nowMs: Number(held?.now_ms),
    number: Number(held?.number),
    idleS: held?.idle === undefined ? undefined : Number(held.idle),
  }
}

/** Begins the transaction, which in MariaDB has come with the look. */
export async function open(session: Session<MysqlConnection>, isolation: Isolation, leaseMs: number): Promise<void> {
  if (!session.compound) await session.together(opening(session, isolation, leaseMs))
}

function opening(session: Session<MysqlConnection>, isolation: Isolation, leaseMs: number): readonly Statement[] {
  const boundS = Math.ceil(leaseMs / 1000) + graceS
  const bound = session.compound ? [plainly(`set session idle_transaction_timeout = ${boundS}`)] : []
  return [
    ...bound,
    plainly(`set transaction isolation level ${isolation.replace('-', ' ')}`),
    plainly('start transaction'),
    plainly(`savepoint ${mark}`),
  ]
}

/** Fails with "no such savepoint" where the transaction is not the one that was opened. */
export const confirmMark: Statement = plainly(`release savepoint ${mark}`)
/** Undoes what the handler did, and fails in the same way. */
export const undoToMark: Statement = plainly(`rollback to savepoint ${mark}`)

/** What makes the connection what it was. */
export function farewell(locks: LockNames, { idleS, met }: Pick<Opened, 'idleS' | 'met'>): readonly Statement[] {
  const bound = idleS === undefined ? [] : [plainly(`set session idle_transaction_timeout = ${idleS}`)]
  return [...bound, ...(met === 'nobody' ? [plainly(releaseLocks(locks))] : [])]
}
