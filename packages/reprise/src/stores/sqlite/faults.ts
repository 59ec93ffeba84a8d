/** What SQLite says when it can't do its work, in words for whoever operates the file. */

import { isRepriseError, RepriseError } from '../../engine/errors.ts'

/** Primary result codes (sqlite.org/rescode.html) and what each means for the file. */
const meanings: Readonly<Record<string, string>> = {
  BUSY: 'is locked by another process',
  LOCKED: 'is locked by another connection',
  READONLY: 'is read-only',
  IOERR: 'could not be read or written',
  CORRUPT: 'is damaged',
  FULL: 'has no room left: the disk is full, or a limit on its size is reached',
  CANTOPEN: 'can not be opened',
  NOTADB: 'is not a SQLite database',
  PERM: 'may not be accessed',
}
/** The same by number, as node:sqlite reports them. */
const numbers: Readonly<Record<number, string>> = {
  5: 'BUSY',
  6: 'LOCKED',
  8: 'READONLY',
  10: 'IOERR',
  11: 'CORRUPT',
  13: 'FULL',
  14: 'CANTOPEN',
  26: 'NOTADB',
  3: 'PERM',
}

/** The primary result code of a driver's error, such as `BUSY`; `undefined` for errors of another kind. */
export function resultCode(error: unknown): string | undefined {
  const { code, errcode, message } = (error ?? {}) as { code?: unknown; errcode?: unknown; message?: unknown }
  if (typeof errcode === 'number') return numbers[errcode & 0xff]
  if (typeof code === 'string') {
    const primary = /^SQLITE_([A-Z]+)/.exec(code)?.[1]
    if (primary !== undefined && primary in meanings) return primary
    if (primary !== undefined && primary !== 'ERROR') return primary
  }
  // libsql reports some failures of opening in its message only.
  const text = String(message).toLowerCase()
  if (text.includes('not a database')) return 'NOTADB'
  if (text.includes('malformed')) return 'CORRUPT'
  if (text.includes('database is locked')) return 'BUSY'
  if (text.includes('unable to open')) return 'CANTOPEN'
  if (text.includes('readonly')) return 'READONLY'
  if (text.includes('full')) return 'FULL'
  return undefined
}

export function isBusy(error: unknown): boolean {
  const code = resultCode(error)
  return code === 'BUSY' || code === 'LOCKED'
}

/** The error of a step that the file did not let happen. Nothing of the step stands. */
export function unavailable(file: string, error: unknown): RepriseError {
  return translate('store-unavailable', file, error)
}

/** The error of opening a file that can't serve. */
export function unusable(file: string, error: unknown): RepriseError {
  return translate('file-unusable', file, error)
}

function translate(code: 'store-unavailable' | 'file-unusable', file: string, error: unknown): RepriseError {
  if (isRepriseError(error)) return error
  const found = resultCode(error)
  const what =
    (found === undefined ? undefined : meanings[found]) ?? `answered: ${String((error as Error)?.message ?? error)}`
  if (/no such table: reprise_/.test(String((error as Error)?.message))) {
    return new RepriseError('schema-missing', `The file ${file} has no tables of Reprise.`, { cause: error })
  }
  return new RepriseError(code, `The file ${file} ${what}.`, { cause: error })
}
