/**
 * The ledger's tables as Kysely sees them. `seq` orders rows by their creation and never leaves the service.
 *
 * The one invariant: per principal, the balances of all accounts, `world` included, add up to 0, in every currency. And
 * so one limit is enough. Only `world` may be below zero, hence every balance, and every sum of balances, is at most
 * what `world` lacks: while `world` stays above -(2^53 - 1), every amount is an integer that JavaScript can hold.
 */
import type { Generated } from 'kysely'

export interface Tables {
  accounts: AccountsTable
  world_balances: WorldBalancesTable
  transfers: TransfersTable
}

interface AccountsTable {
  seq: Generated<number>
  principal: string
  id: string
  owner: string
  /** `null` for `world`, which holds every currency. */
  currency: string | null
  /** In minor units. For `world` the sum over its currencies. */
  balance: number
  /** What `balance` may never go below: 0, and for `world` the limit of exact integers. */
  lowest: number
  /** RFC 3339, in UTC. */
  created_at: string
}

/** What `world` holds of each currency; the rows of a principal add up to the balance of its `world`. */
interface WorldBalancesTable {
  principal: string
  currency: string
  balance: number
}

interface TransfersTable {
  seq: Generated<number>
  principal: string
  id: string
  from_account: string
  to_account: string
  amount: number
  currency: string
  reference: string | null
  created_at: string
}
