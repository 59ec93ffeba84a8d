/** What PostgreSQL and its clients say when they can't do their work. */

import { isRepriseError, RepriseError } from '../../engine/errors.ts'

const state = /^[0-9A-Z]{5}$/

/** The SQLSTATE of an error, also where a query builder has wrapped it; `undefined` where the server said nothing. */
export function sqlState(error: unknown): string | undefined {
  for (const { code, routine, severity, meta } of chain(error)) {
    // Codes of Node, such as ECONNRESET, are longer, and an error of the server says more than a code.
    if (typeof code === 'string' && state.test(code) && (routine ?? severity) !== undefined) return code
    // Prisma puts the server's error into the description of its own.
    const original = (meta as { driverAdapterError?: { cause?: { originalCode?: unknown } } } | undefined)
      ?.driverAdapterError?.cause?.originalCode
    const told = original ?? (meta as { code?: unknown } | undefined)?.code
    if (typeof told === 'string' && state.test(told)) return told
  }
  return undefined
}

function* chain(error: unknown): Generator<Record<string, unknown>> {
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 5; depth++) {
    yield at as Record<string, unknown>
    at = (at as { cause?: unknown }).cause
  }
}

/** Classes of states after which the connection, or what was asked of it, is in doubt. */
const doubtful = ['08', '57', '58', 'XX']
const completionUnknown = '40003'

/**
 * Whether the server has said that the transaction did not commit. Anything else, such as a lost connection or a server
 * that was shut down, says nothing about it.
 */
export function saysAborted(error: unknown): boolean {
  const told = sqlState(error)
  if (told === undefined || told === completionUnknown) return false
  // 57014 is a statement that was cancelled, and a statement that failed commits nothing.
  return told === '57014' || !doubtful.includes(told.slice(0, 2))
}

/** Whether another transaction was in the way, so that the same work may succeed now. */
export function isConflict(error: unknown): boolean {
  const told = sqlState(error)
  return told === '40001' || told === '40P01' || told === '55P03'
}

/** Whether the same statement, sent again at once, is likely to get through. */
export function isPassing(error: unknown): boolean {
  const told = sqlState(error)
  return told === '40001' || told === '40P01'
}

/**
 * Whether the last statement of a transaction may have failed because the record is no longer as it was found: its key is
 * there by now, or a row that was to be replaced is not as it was.
 */
export function mayBeOvertaken(error: unknown): boolean {
  const told = sqlState(error)
  return told === '23505' || told === '22012'
}

/** Whether a prepared statement has gone, as after DISCARD ALL or behind a pooler. */
export function isUnprepared(error: unknown): boolean {
  return sqlState(error) === '26000'
}

/** Whether somebody else has prepared the statement under the same name. */
export function isPreparedTwice(error: unknown): boolean {
  return sqlState(error) === '42P05'
}

const pooled = 'lost track of a prepared statement. Behind a pooler such as PgBouncer pass prepare: false'

const meanings: Readonly<Record<string, string>> = {
  '26000': pooled,
  '42P05': pooled,
  '25006': 'is read-only: is it a standby?',
  '25P02': 'has given the transaction up, since a statement in it had failed',
  '42501': 'does not let this user at the table',
  '42P01': 'has no table of this name',
  '53100': 'has no room left on its disk',
  '53200': 'is out of memory',
  '53300': 'has no connections left',
  '57P01': 'is being shut down',
  '57P02': 'has crashed',
  '57P03': 'is starting up',
}

/** The error of a step that the server did not let happen, or whose answer did not come. */
export function unavailable(error: unknown): RepriseError {
  if (isRepriseError(error)) return error
  const told = sqlState(error)
  if (told === '42P01') {
    return new RepriseError('schema-missing', 'PostgreSQL has no table of this name.', { cause: error })
  }
  const what = told === undefined ? 'could not be reached, or its answer was lost' : (meanings[told] ?? `said ${told}`)
  return new RepriseError('store-unavailable', `PostgreSQL ${what}: ${messageOf(error)}.`, { cause: error })
}

/** The transaction was in another's way, and may succeed now. */
export function conflict(error: unknown): RepriseError {
  return new RepriseError('transaction-conflict', `PostgreSQL said ${sqlState(error)}: ${messageOf(error)}.`, {
    cause: error,
  })
}

function messageOf(error: unknown): string {
  const { message, code } = (error ?? {}) as { message?: unknown; code?: unknown }
  // Of several addresses that could not be reached Node says no more than the code.
  return String(message || code || error).replace(/\.$/, '')
}
