/** Why a transfer is refused. Each reason is an outcome: Reprise records it, and every retry of the key gets it. */
import { WORLD } from '../accounts/schema.ts'
import { type Problem, problem } from '../problems.ts'
import type { NewTransfer } from './schema.ts'

/** An account as it was found. */
export interface AccountState {
  readonly id: string
  /** `null`: any. */
  readonly currency: string | null
}

export function sameAccount(): Problem {
  return problem('same-account', 'The transfer names one account as "from" and as "to".', { pointer: '/to' })
}

/**
 * The reason, the most basic first. The money is the last question, because it is the only one whose answer the next
 * transfer may change.
 */
export function refusalOf(order: NewTransfer, from: AccountState | undefined, to: AccountState | undefined): Problem {
  for (const [pointer, id, account] of [
    ['/from', order.from, from],
    ['/to', order.to, to],
  ] as const) {
    if (account === undefined) {
      return problem('unknown-account', `There is no account "${id}" in this ledger.`, { pointer, account: id })
    }
    if (account.currency !== null && account.currency !== order.currency) {
      return problem(
        'currency-mismatch',
        `The account "${id}" holds ${account.currency}, the transfer is in ${order.currency}.`,
        { pointer: '/currency', account: id, account_currency: account.currency },
      )
    }
  }
  if (order.from === WORLD) {
    return problem(
      'balance-limit',
      `With this transfer the ledger would hold more than ${Number.MAX_SAFE_INTEGER}, the largest exact number.`,
      { pointer: '/amount', limit: Number.MAX_SAFE_INTEGER },
    )
  }
  return problem('insufficient-funds', `The account "${order.from}" holds less than ${order.amount}.`, {
    pointer: '/amount',
    account: order.from,
  })
}
