/** The statements that would end or nest the transaction which an attempt lives in. */

import { RepriseError } from '../../engine/errors.ts'

/** What is no statement though it may look like one: comments, texts, names in quotes, and bodies of functions. */
const quoted =
  /--[^\n]*|\/\*[\s\S]*?\*\/|\be'(?:[^'\\]|''|\\[\s\S])*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(\$(?:[a-z_][a-z_0-9]*)?\$)[\s\S]*?\1/gi
/** The word may come first, or after another statement of the same text. */
const control =
  /(?:^|;)\s*(begin|start\s+transaction|commit|end|rollback(?!\s+(?:work\s+|transaction\s+)?to)|abort|prepare\s+transaction)\b/i
/** Most texts have none of these words at all. */
const suspicious = /\b(?:begin|transaction|commit|end|rollback|abort)\b/i

/**
 * Refuses a text that says COMMIT or the like. Savepoints are the handler's own affair. A procedure that commits can't be
 * seen here: the server refuses it, inside a transaction.
 */
export function refuseControl(text: unknown): void {
  if (typeof text !== 'string' || !suspicious.test(text)) return
  const word = control.exec(text.replace(quoted, ' '))?.[1]
  if (word !== undefined) {
    throw new RepriseError('transaction-broken', `A handler may not say ${word.toUpperCase()}.`)
  }
}
