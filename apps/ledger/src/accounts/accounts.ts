/** Accounts in the database. */
import type { Kysely } from 'kysely'
import { prepared } from '../database/prepared.ts'
import type { Tables } from '../database/tables.ts'
import { isHoldable } from '../text.ts'
import { type Account, type NewAccount, WORLD, type WorldAccount } from './schema.ts'

/** How far below zero `world` may go; see tables.ts for why this bounds every other balance too. */
const WORLD_LOWEST = -Number.MAX_SAFE_INTEGER

export interface NewRow {
  readonly principal: string
  readonly id: string
  /** RFC 3339. */
  readonly at: string
}

/** Gives the principal a ledger with its `world`, unless there is one. */
export async function openLedger(db: Kysely<Tables>, principal: string, at: string): Promise<void> {
  await insertAccount(db, { principal, id: WORLD, owner: WORLD, currency: null, lowest: WORLD_LOWEST, at })
}

/** Resolves to `undefined` where the id is taken. */
export async function createAccount(
  db: Kysely<Tables>,
  { principal, id, at }: NewRow,
  { owner, currency }: NewAccount,
): Promise<Account | undefined> {
  const created = await insertAccount(db, { principal, id, owner, currency, lowest: 0, at })
  return created.length === 0 ? undefined : { id, owner, currency, balance: 0, created_at: at }
}

export async function findAccount(
  db: Kysely<Tables>,
  principal: string,
  id: string,
): Promise<Account | WorldAccount | undefined> {
  const [account] = isHoldable(id) ? resources(await selectAccount(db, { principal, id })) : []
  return account
}

/** The accounts after the one with the id `after`, in the order of their creation. */
export async function listAccounts(
  db: Kysely<Tables>,
  principal: string,
  page: { readonly after: string | undefined; readonly limit: number },
): Promise<(Account | WorldAccount)[]> {
  const { after, limit } = page
  const rows =
    after === undefined
      ? await selectFirst(db, { principal, limit })
      : await selectAfter(db, { principal, after, limit })
  return resources(rows)
}

export async function accountExists(db: Kysely<Tables>, principal: string, id: string): Promise<boolean> {
  return (await findAccount(db, principal, id)) !== undefined
}

const insertAccount = prepared((db, row: NewRow & { owner: string; currency: string | null; lowest: number }) =>
  db
    .insertInto('accounts')
    .values({
      principal: row.principal,
      id: row.id,
      owner: row.owner,
      currency: row.currency,
      balance: 0,
      lowest: row.lowest,
      created_at: row.at,
    })
    .onConflict((conflict) => conflict.columns(['principal', 'id']).doNothing())
    .returning('id'),
)

const selectAccount = prepared((db, { principal, id }: { principal: string; id: string }) =>
  withBalances(db, ofPrincipal(db, principal).where('id', '=', id)),
)

const selectFirst = prepared((db, { principal, limit }: { principal: string; limit: number }) =>
  withBalances(db, ofPrincipal(db, principal).orderBy('seq').limit(limit)),
)

const selectAfter = prepared((db, { principal, after, limit }: { principal: string; after: string; limit: number }) => {
  const seqOfAfter = db.selectFrom('accounts').select('seq').where('principal', '=', principal).where('id', '=', after)
  return withBalances(db, ofPrincipal(db, principal).where('seq', '>', seqOfAfter).orderBy('seq').limit(limit))
})

function ofPrincipal(db: Kysely<Tables>, principal: string) {
  return db.selectFrom('accounts').selectAll().where('principal', '=', principal)
}

// One statement sees one state of the ledger, so what `world` holds always fits the balances beside it.
function withBalances(db: Kysely<Tables>, accounts: ReturnType<typeof ofPrincipal>) {
  return db
    .selectFrom(accounts.as('account'))
    .leftJoin('world_balances as world', (join) =>
      join.onRef('world.principal', '=', 'account.principal').on('account.id', '=', WORLD),
    )
    .select(['account.id', 'account.owner', 'account.currency', 'account.balance', 'account.created_at'])
    .select(['world.currency as world_currency', 'world.balance as world_balance'])
    .orderBy('account.seq')
    .orderBy('world.currency')
}

interface Row {
  readonly id: string
  readonly owner: string
  readonly currency: string | null
  readonly balance: number
  readonly created_at: string
  readonly world_currency: string | null
  readonly world_balance: number | null
}

/** Rows come one per account, and for `world` one per currency. */
function resources(rows: readonly Row[]): (Account | WorldAccount)[] {
  const accounts: (Account | WorldAccount)[] = []
  let balances: Record<string, number> | undefined
  for (const { id, owner, currency, balance, created_at, world_currency, world_balance } of rows) {
    if (currency !== null) {
      accounts.push({ id, owner, currency, balance, created_at })
      continue
    }
    if (balances === undefined) {
      balances = {}
      accounts.push({ id: WORLD, owner: WORLD, currency, balance, balances, created_at })
    }
    if (world_currency !== null && world_balance !== null) balances[world_currency] = world_balance
  }
  return accounts
}
