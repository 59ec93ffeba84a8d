/** A transfer as it is asked for and answered. */
import { z } from 'zod'
import { AccountId, Currency, WORLD } from '../accounts/schema.ts'
import type { Page } from '../paging.ts'
import { text } from '../text.ts'

/** A million million in whole units: far below where JavaScript's integers end, far above any payment. */
export const AMOUNT_MAX = 1e15

const Amount = z.int().min(1).max(AMOUNT_MAX).meta({ description: 'In minor units of the currency, such as cents.' })

export interface NewTransfer {
  readonly from: string
  readonly to: string
  readonly amount: number
  readonly currency: string
  readonly reference?: string | undefined
}

export const NewTransfer: z.ZodType<NewTransfer> = z
  .strictObject({
    from: AccountId.meta({ description: `The account that pays. \`${WORLD}\` brings money into the ledger.` }),
    to: AccountId.meta({ description: `The account that is paid. \`${WORLD}\` takes money out of the ledger.` }),
    amount: Amount,
    currency: Currency.meta({ description: 'The currency of both accounts.' }),
    reference: text(140).optional().meta({ description: 'What the transfer is for. For people.' }),
  })
  .meta({ id: 'NewTransfer', description: 'What moves money from one account to another.' })

export interface Transfer {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly amount: number
  readonly currency: string
  readonly reference: string | null
  readonly status: 'posted'
  readonly created_at: string
}

export const Transfer: z.ZodType<Transfer> = z
  .object({
    id: z.string(),
    from: AccountId,
    to: AccountId,
    amount: Amount,
    currency: Currency,
    reference: z.string().nullable(),
    status: z.literal('posted'),
    created_at: z.iso.datetime().meta({ description: 'RFC 3339, in UTC.' }),
  })
  .meta({ id: 'Transfer', description: 'Money that has moved. A transfer never changes.' })

export const TransferPage: z.ZodType<Page<Transfer>> = z
  .object({
    items: z.array(Transfer),
    next_cursor: z.string().nullable().meta({ description: 'Asks for the next page; `null` on the last.' }),
  })
  .meta({ id: 'TransferPage', description: 'Transfers, the newest first.' })
