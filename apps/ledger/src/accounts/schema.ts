/** An account as it is asked for and answered. */
import { z } from 'zod'
import type { Page } from '../paging.ts'
import { text } from '../text.ts'

/** The account outside the ledger: where money comes from and goes to. Every ledger has it from the start. */
export const WORLD = 'world'

export const AccountId: z.ZodString = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'Invalid string: must be 1 to 64 of A-Z, a-z, 0-9, _ and -')
  .meta({ description: 'Names an account within its ledger.' })

export const Currency: z.ZodString = z
  .string()
  .regex(/^[A-Z]{3}$/, 'Invalid string: must be 3 capital letters')
  .meta({ description: 'Three letters, as in ISO 4217.' })

const Balance = z.int().meta({ description: 'In minor units of the currency, such as cents.' })
const CreatedAt = z.iso.datetime().meta({ description: 'RFC 3339, in UTC.' })

export interface NewAccount {
  readonly id?: string | undefined
  readonly owner: string
  readonly currency: string
}

export const NewAccount: z.ZodType<NewAccount> = z
  .strictObject({
    id: AccountId.optional().meta({ description: 'Chosen by the client, or made by the service where there is none.' }),
    owner: text(200).meta({ description: 'Whose account it is. For people; the service does not read it.' }),
    currency: Currency,
  })
  .meta({ id: 'NewAccount', description: 'What opens an account.' })

export interface Account {
  readonly id: string
  readonly owner: string
  readonly currency: string
  readonly balance: number
  readonly created_at: string
}

export const Account: z.ZodType<Account> = z
  .object({ id: AccountId, owner: z.string(), currency: Currency, balance: Balance.min(0), created_at: CreatedAt })
  .meta({ id: 'Account', description: 'An account of the ledger. Its balance is never below 0.' })

export interface WorldAccount {
  readonly id: typeof WORLD
  readonly owner: typeof WORLD
  readonly currency: null
  readonly balance: number
  readonly balances: Readonly<Record<string, number>>
  readonly created_at: string
}

export const WorldAccount: z.ZodType<WorldAccount> = z
  .object({
    id: z.literal(WORLD),
    owner: z.literal(WORLD),
    currency: z.null().meta({ description: '`world` holds every currency.' }),
    balance: Balance.max(0).meta({
      description:
        'The sum over all currencies. It is an amount of money only in a ledger of one currency; in any other it is the ' +
        'number that makes the balances of all accounts add up to 0.',
    }),
    balances: z.record(z.string(), z.int().max(0)).meta({
      description: 'What `world` holds of each currency that it ever held: minus what all other accounts hold of it.',
    }),
    created_at: CreatedAt,
  })
  .meta({ id: 'WorldAccount', description: 'The account outside the ledger: where money comes from and goes to.' })

export const AccountPage: z.ZodType<Page<Account | WorldAccount>> = z
  .object({
    items: z.array(z.union([Account, WorldAccount])),
    next_cursor: z.string().nullable().meta({ description: 'Asks for the next page; `null` on the last.' }),
  })
  .meta({ id: 'AccountPage', description: 'Accounts in the order of their creation, `world` first.' })
