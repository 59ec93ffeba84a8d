/** Transfers in the database, and how money moves. */
import type { Kysely } from 'kysely'
import type { NewRow } from '../accounts/accounts.ts'
import { WORLD } from '../accounts/schema.ts'
import { prepared } from '../database/prepared.ts'
import type { Tables } from '../database/tables.ts'
import type { Problem } from '../problems.ts'
import { isHoldable } from '../text.ts'
import { type AccountState, refusalOf, sameAccount } from './refusals.ts'
import type { NewTransfer, Transfer } from './schema.ts'

export type Posted =
  | { readonly kind: 'posted'; readonly transfer: Transfer }
  /** The transaction may hold half of the transfer and has to be rolled back. */
  | { readonly kind: 'refused'; readonly problem: Problem }

/**
 * Moves the money and notes it, all or nothing with the transaction.
 *
 * No balance is read before it is changed: the update that takes the money is also the question whether it is there, so
 * two transfers can never both spend it. And accounts are changed in one order, whichever way the money goes: where rows
 * are locked one by one, two transfers in opposite directions would otherwise wait for each other.
 */
export async function postTransfer(db: Kysely<Tables>, row: NewRow, order: NewTransfer): Promise<Posted> {
  const { principal, id, at } = row
  const { from, to, amount, currency, reference = null } = order
  if (from === to) return { kind: 'refused', problem: sameAccount() }

  const sides = [
    { id: from, change: debit },
    { id: to, change: credit },
  ]
  for (const { id, change } of from < to ? sides : sides.reverse()) {
    const changed = await change(db, { principal, id, amount, currency })
    if (changed.length === 0) return { kind: 'refused', problem: await whyRefused(db, principal, order) }
  }

  if (from === WORLD) await noteWorld(db, { principal, currency, change: -amount })
  if (to === WORLD) await noteWorld(db, { principal, currency, change: amount })
  await insertTransfer(db, { principal, id, from, to, amount, currency, reference, at })
  return {
    kind: 'posted',
    transfer: { id, from, to, amount, currency, reference, status: 'posted', created_at: at },
  }
}

export async function findTransfer(db: Kysely<Tables>, principal: string, id: string): Promise<Transfer | undefined> {
  const [row] = isHoldable(id) ? await selectTransfer(db, { principal, id }) : []
  return row && resource(row)
}

/** The transfers before the one with the id `before`, the newest first. */
export async function listTransfers(
  db: Kysely<Tables>,
  principal: string,
  page: { readonly before: string | undefined; readonly limit: number },
): Promise<Transfer[]> {
  const { before, limit } = page
  const rows =
    before === undefined
      ? await selectNewest(db, { principal, limit })
      : await selectBefore(db, { principal, before, limit })
  return rows.map(resource)
}

/** Asked only once a transfer has failed. Of what it may have changed by then, nothing matters to the reason. */
async function whyRefused(db: Kysely<Tables>, principal: string, order: NewTransfer): Promise<Problem> {
  const rows = await selectStates(db, { principal, from: order.from, to: order.to })
  const states = new Map<string, AccountState>(rows.map((row) => [row.id, row]))
  return refusalOf(order, states.get(order.from), states.get(order.to))
}

interface Change {
  readonly principal: string
  readonly id: string
  readonly amount: number
  readonly currency: string
}

/** Changes nothing and returns no row unless the account exists, has the currency, and has the money. */
const debit = prepared((db, { principal, id, amount, currency }: Change) =>
  db
    .updateTable('accounts')
    .set((eb) => ({ balance: eb('balance', '-', amount) }))
    .where('principal', '=', principal)
    .where('id', '=', id)
    .where((eb) => eb.or([eb('currency', '=', currency), eb('currency', 'is', null)]))
    .where((eb) => eb(eb('balance', '-', amount), '>=', eb.ref('lowest')))
    .returning('id'),
)

/**
 * Changes nothing and returns no row unless the account exists and has the currency. To `world` nothing can go that has
 * not come from it: where this is asked before the debit, it is the same question.
 */
const credit = prepared((db, { principal, id, amount, currency }: Change) =>
  db
    .updateTable('accounts')
    .set((eb) => ({ balance: eb('balance', '+', amount) }))
    .where('principal', '=', principal)
    .where('id', '=', id)
    .where((eb) =>
      eb.or([
        eb('currency', '=', currency),
        eb.and([eb('currency', 'is', null), eb(eb('balance', '+', amount), '<=', 0)]),
      ]),
    )
    .returning('id'),
)

const noteWorld = prepared(
  (db, { principal, currency, change }: { principal: string; currency: string; change: number }) =>
    db
      .insertInto('world_balances')
      .values({ principal, currency, balance: change })
      .onConflict((conflict) =>
        conflict
          .columns(['principal', 'currency'])
          .doUpdateSet((eb) => ({ balance: eb('world_balances.balance', '+', eb.ref('excluded.balance')) })),
      ),
)

const insertTransfer = prepared((db, row: NewRow & Omit<NewTransfer, 'reference'> & { reference: string | null }) =>
  db.insertInto('transfers').values({
    principal: row.principal,
    id: row.id,
    from_account: row.from,
    to_account: row.to,
    amount: row.amount,
    currency: row.currency,
    reference: row.reference,
    created_at: row.at,
  }),
)

const selectStates = prepared((db, { principal, from, to }: { principal: string; from: string; to: string }) =>
  db.selectFrom('accounts').select(['id', 'currency']).where('principal', '=', principal).where('id', 'in', [from, to]),
)

const selectTransfer = prepared((db, { principal, id }: { principal: string; id: string }) =>
  ofPrincipal(db, principal).where('id', '=', id),
)

const selectNewest = prepared((db, { principal, limit }: { principal: string; limit: number }) =>
  ofPrincipal(db, principal).orderBy('seq', 'desc').limit(limit),
)

const selectBefore = prepared(
  (db, { principal, before, limit }: { principal: string; before: string; limit: number }) => {
    const seqOfBefore = db
      .selectFrom('transfers')
      .select('seq')
      .where('principal', '=', principal)
      .where('id', '=', before)
    return ofPrincipal(db, principal).where('seq', '<', seqOfBefore).orderBy('seq', 'desc').limit(limit)
  },
)

function ofPrincipal(db: Kysely<Tables>, principal: string) {
  return db
    .selectFrom('transfers')
    .select(['id', 'from_account', 'to_account', 'amount', 'currency', 'reference', 'created_at'])
    .where('principal', '=', principal)
}

type Row = Omit<Tables['transfers'], 'seq' | 'principal'>

function resource({ from_account: from, to_account: to, created_at, ...row }: Row): Transfer {
  const { id, amount, currency, reference } = row
  return { id, from, to, amount, currency, reference, status: 'posted', created_at }
}
