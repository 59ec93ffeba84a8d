/** What the server and the connection to it say when they can't do their work. */

import { isRepriseError, RepriseError } from '../../engine/errors.ts'

/** Numbers of the server's errors, the same in MariaDB and MySQL. */
export const errno = {
  connectionCountError: 1040,
  accessDenied: 1044,
  recordFileFull: 1114,
  noSuchTable: 1146,
  packetTooLarge: 1153,
  duplicate: 1062,
  lockWaitTimeout: 1205,
  lockTableFull: 1206,
  deadlock: 1213,
  recordChanged: 1020,
  noSuchSavepoint: 1305,
  dataTooLong: 1406,
  /** SET TRANSACTION where one is open: somebody gave the connection back in the middle of a transaction. */
  transactionOpen: 1568,
} as const

const meanings: Readonly<Record<number, string>> = {
  [errno.connectionCountError]: 'has no connection left to give',
  [errno.accessDenied]: 'does not let this account do that',
  1045: 'does not let this account in',
  1142: 'does not let this account do that',
  1021: 'has no room left on its disk',
  [errno.recordFileFull]: 'has no room left',
  [errno.lockWaitTimeout]: 'keeps the record locked for another transaction',
  [errno.deadlock]: 'chose this transaction to end a deadlock, again and again',
}

/** A replica, or a primary that is one no longer. */
const readOnly: readonly number[] = [1290, 1792, 1836]

/** The number of an error that the server itself has sent; `undefined` where the connection failed, or the client. */
export function serverErrno(error: unknown): number | undefined {
  if (isRepriseError(error)) return undefined
  const { errno } = (error ?? {}) as { errno?: unknown }
  // Node's own errors have an `errno` too, below zero.
  return typeof errno === 'number' && errno > 0 ? errno : undefined
}

/** Shutting down, killed, timed out: the server's last words on a connection. */
const lastWords: readonly number[] = [1053, 1080, 1152, 1927, 4031]

/** The connection has been closed, and the client has not said why. */
export class Gone extends RepriseError {
  constructor(options?: ErrorOptions) {
    super('store-unavailable', 'The server has closed the connection.', options)
  }
}

/** The connection is gone, and with it the answer: nobody can say whether the statement ran. */
export function isLost(error: unknown): boolean {
  if (error instanceof Gone) return true
  if (isRepriseError(error)) return false
  const number = serverErrno(error)
  return number === undefined || lastWords.includes(number)
}

export function isReadOnly(error: unknown): boolean {
  return readOnly.includes(serverErrno(error) ?? 0)
}

const conflicts: readonly number[] = [errno.deadlock, errno.lockWaitTimeout, errno.lockTableFull, errno.recordChanged]

/** Another transaction was in the way, and this one has been, or has to be, rolled back. */
export function isConflict(error: unknown): boolean {
  return conflicts.includes(serverErrno(error) ?? 0)
}

/** A statement that the server would not read. Everything in it is ASCII, so that its length is its size. */
export class TooLarge extends RepriseError {
  constructor(bytes: number, maxBytes: number) {
    const size = `A record needs a statement of ${bytes} bytes, and the server reads ${maxBytes} at most`
    super('store-unavailable', `${size}: raise its max_allowed_packet, or let bodies be smaller.`)
  }
}

/** The server has not answered: it is frozen, or the network between has gone. Nobody can say what it did. */
export class Silent extends RepriseError {
  constructor(ms: number) {
    super('store-unavailable', `The server has not answered for ${ms} ms.`)
  }
}

/** The error of a step that the server did not let happen. */
export function unavailable(error: unknown): RepriseError {
  if (isRepriseError(error)) return error
  const number = serverErrno(error)
  if (number === errno.noSuchTable) {
    return new RepriseError('schema-missing', 'The database has no table of Reprise under this name.', { cause: error })
  }
  const said = String((error as Error | undefined)?.message ?? error).replace(/\.$/, '')
  const what = isReadOnly(error) ? 'is read-only' : meanings[number ?? 0]
  const lost = number === undefined ? `The connection failed: ${said}.` : `The server answered: ${said}.`
  return new RepriseError('store-unavailable', what === undefined ? lost : `The server ${what}.`, { cause: error })
}
