/**
 * Every error that the library throws. Expected endings (in progress, mismatch, replay) are values; an error means
 * that something is set up wrongly, that a store could not do its work, or that a handler broke a rule.
 */

/** Each code with what to do about it; docs/errors.md is checked against this table in both directions. */
export const errorCodes = {
  'option-unknown': 'Remove the option or correct its name.',
  'option-invalid': 'Give the option a value of the kind that the message names.',
  'capability-missing': 'Choose a store that has the capability, or a guarantee that the store can keep.',
  'driver-missing': 'Install one of the named SQLite drivers, or pass one as `driver`.',
  'principal-invalid': 'Let `principal` return a non-empty string, or nothing for an unauthenticated request.',
  'store-unavailable': 'Retry with the same key; look at the cause for what the store said.',
  'store-full': 'Raise the limit of the store, shorten retention, or sweep more often.',
  'store-closed': 'Do not use a store after closing it.',
  'schema-missing': 'Run `await store.migrate()` once before the first request.',
  'schema-newer': 'Run the version of Reprise that wrote the file, or a later one.',
  'server-unfit': 'Change what the message names on the server, or accept the named loss by option.',
  'file-unusable': 'Check the path, its permissions and its content; restore the file from a backup if it is damaged.',
  'record-unreadable': 'Do not delete the record: run the version that wrote it, or restore the store.',
  'transaction-missing': "Use `guarantee: 'transactional'` where the handler needs `attempt.tx`.",
  'transaction-ended': 'Await everything that uses `attempt.tx` before the handler ends.',
  'transaction-broken': 'Leave BEGIN, COMMIT, ROLLBACK and SAVEPOINT to Reprise inside a handler.',
  'transaction-conflict': 'Retry with the same key: another transaction changed what this one had read.',
  'attempt-overdue': 'Make the handler faster, or raise the lease of its policy.',
  'attempt-superseded': 'Stop: another attempt holds the claim, and nothing that this one writes will count.',
  'body-consumed':
    'Mount Reprise before the middleware that consumes the body, or let that middleware keep the raw bytes.',
  'not-applied': 'Retry with the same key: nothing happened.',
} as const

export type ErrorCode = keyof typeof errorCodes

const brand: unique symbol = Symbol.for('reprise.error') as never

/**
 * An error with a code that never changes, a message with the facts, and the next step.
 *
 * @example
 * catch (error) { if (isRepriseError(error) && error.code === 'store-unavailable') retryLater() }
 */
export class RepriseError extends Error {
  override readonly name: string = 'RepriseError'
  readonly code: ErrorCode
  /** What to do about it. */
  readonly next: string

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(`${message} ${errorCodes[code]}`, options)
    this.code = code
    this.next = errorCodes[code]
    Object.defineProperty(this, brand, { value: true })
  }
}

/** True for errors of this library, also of another copy of it in the same process. */
export function isRepriseError(error: unknown): error is RepriseError {
  return typeof error === 'object' && error !== null && brand in error
}

/**
 * Thrown by a handler to say that nothing happened, whatever the commit point says: the operation is released and
 * the same key may run again.
 *
 * @example
 * if (response.status === 402) throw new NotApplied('the bank refused the charge before booking it')
 */
export class NotApplied extends RepriseError {
  override readonly name: string = 'NotApplied'
  /** Milliseconds after which a retry makes sense, when the handler knows. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, options?: ErrorOptions & { retryAfterMs?: number }) {
    super('not-applied', message, options)
    this.retryAfterMs = options?.retryAfterMs
  }
}

/** True for {@link NotApplied}, also of another copy of the library. */
export function isNotApplied(error: unknown): error is NotApplied {
  return isRepriseError(error) && error.code === 'not-applied'
}
