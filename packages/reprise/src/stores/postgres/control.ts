/** The statements that would end or nest the transaction which an attempt lives in. */

import { RepriseError } from '../../engine/errors.ts'

const comment = String.raw`(?:\s|--[^\n]*\n|/\*[\s\S]*?\*/)*`
const words = String.raw`(begin|start\s+transaction|commit|end|rollback(?!\s+to)|abort|prepare\s+transaction)\b`
/** The word may come first, or after another statement of the same text. */
const control = new RegExp(`(?:^|;)${comment}${words}`, 'i')

/**
 * Refuses a text that says COMMIT or the like. Savepoints are the handler's own affair. A procedure that commits can't be
 * seen here: the server refuses it, inside a transaction.
 */
export function refuseControl(text: unknown): void {
  if (typeof text !== 'string') return
  const word = control.exec(text)?.[1]
  if (word !== undefined) {
    throw new RepriseError('transaction-broken', `A handler may not say ${word.toUpperCase()}.`)
  }
}
