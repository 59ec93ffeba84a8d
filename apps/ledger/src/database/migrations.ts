/** The ledger's schema, in steps that are never changed once released. */
import type { ColumnDefinitionBuilder, Kysely } from 'kysely'
import { sql } from 'kysely'
import type { Tables } from './tables.ts'

/** The parts of a schema that SQLite and PostgreSQL spell differently. */
export interface Spelling {
  /** A primary key that counts up: its type, and what else belongs to it. */
  readonly counterType: 'integer' | 'bigint'
  readonly counter: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder
}

type Step = (db: Kysely<Tables>, spelling: Spelling) => Promise<void>

/** Step 1 makes version 1 of version 0. */
const steps: readonly Step[] = [
  async (db, { counterType, counter }) => {
    await db.schema
      .createTable('accounts')
      .addColumn('seq', counterType, counter)
      .addColumn('principal', 'text', (column) => column.notNull())
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('owner', 'text', (column) => column.notNull())
      .addColumn('currency', 'text')
      .addColumn('balance', 'bigint', (column) => column.notNull())
      .addColumn('lowest', 'bigint', (column) => column.notNull())
      .addColumn('created_at', 'text', (column) => column.notNull())
      .addUniqueConstraint('accounts_id', ['principal', 'id'])
      // Whatever takes money asks first. Should a statement forget, or money come from nowhere, its transaction fails.
      .addCheckConstraint('accounts_lowest', sql`balance >= lowest`)
      .addCheckConstraint('accounts_world_highest', sql`currency is not null or balance <= 0`)
      .execute()
    await db.schema.createIndex('accounts_page').on('accounts').columns(['principal', 'seq']).execute()

    await db.schema
      .createTable('world_balances')
      .addColumn('principal', 'text', (column) => column.notNull())
      .addColumn('currency', 'text', (column) => column.notNull())
      .addColumn('balance', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('world_balances_currency', ['principal', 'currency'])
      .execute()

    await db.schema
      .createTable('transfers')
      .addColumn('seq', counterType, counter)
      .addColumn('principal', 'text', (column) => column.notNull())
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('from_account', 'text', (column) => column.notNull())
      .addColumn('to_account', 'text', (column) => column.notNull())
      .addColumn('amount', 'bigint', (column) => column.notNull())
      .addColumn('currency', 'text', (column) => column.notNull())
      .addColumn('reference', 'text')
      .addColumn('created_at', 'text', (column) => column.notNull())
      .addUniqueConstraint('transfers_id', ['principal', 'id'])
      .execute()
    await db.schema.createIndex('transfers_page').on('transfers').columns(['principal', 'seq']).execute()
  },
]

interface Versions {
  ledger_schema: { version: number }
}

/**
 * Brings the schema up to date. The caller holds a lock that keeps every other process out, in one transaction with all
 * that happens here: of two services that start at once, the second finds nothing left to do.
 */
export async function migrate(db: Kysely<Tables>, spelling: Spelling): Promise<void> {
  const versions = db as unknown as Kysely<Versions>
  await versions.schema
    .createTable('ledger_schema')
    .ifNotExists()
    .addColumn('version', 'integer', (column) => column.notNull())
    .execute()
  const row = await versions.selectFrom('ledger_schema').select('version').executeTakeFirst()
  const version = row?.version ?? 0
  if (version > steps.length) {
    throw new Error(
      `The database has schema version ${version}, but this build knows ${steps.length}. Start a newer build.`,
    )
  }
  for (const step of steps.slice(version)) await step(db, spelling)
  if (row === undefined) await versions.insertInto('ledger_schema').values({ version: steps.length }).execute()
  else await versions.updateTable('ledger_schema').set({ version: steps.length }).execute()
}
