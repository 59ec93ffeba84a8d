/** Prisma by its shape: a `PrismaClient` on PostgreSQL fits, and is no dependency. */

import { callbackTransaction } from './callback-transaction.ts'
import type { Isolation, PostgresClient, ResultRow } from './client.ts'
import { inline } from './statement.ts'

interface Raw {
  // biome-ignore lint/suspicious/noExplicitAny: what it returns is the query's own affair
  $queryRawUnsafe(text: string): PromiseLike<any>
  $executeRawUnsafe(text: string): PromiseLike<number>
}

/** The subset of `PrismaClient` that the store needs. */
export interface PrismaDatabase extends Raw {
  // biome-ignore lint/suspicious/noExplicitAny: its overloads are its own affair
  $transaction(work: (tx: any) => Promise<any>, options?: any): Promise<any>
}

export interface PrismaSettings {
  /** How long Prisma lets a transaction take, in milliseconds; the lease of a policy bounds it too. 30 s unless told. */
  readonly timeoutMs?: number
}

const levels: Readonly<Record<Isolation, string>> = {
  'read committed': 'ReadCommitted',
  'repeatable read': 'RepeatableRead',
  serializable: 'Serializable',
}

/**
 * The store over a `PrismaClient` on PostgreSQL: `attempt.tx` is the client of an interactive transaction, and what is
 * written with it commits together with the outcome. `Tx` is `Prisma.TransactionClient`.
 *
 * @example
 * const store = postgres({ client: prisma<Prisma.TransactionClient>(client) })
 * // in a handler: await attempt.tx.order.create({ data: { sku: 'sku-1' } })
 */
export function prisma<Tx extends object>(
  db: PrismaDatabase,
  { timeoutMs = 30_000 }: PrismaSettings = {},
): PostgresClient<Tx> {
  return {
    library: 'prisma',
    survivesLoss: false,
    listen: undefined,
    query: (statement, values) => execute(db, inline(statement, values)),
    run: async (text) => {
      await db.$executeRawUnsafe(text)
    },
    begin: (isolation, first, values, lost) =>
      callbackTransaction<Tx>(
        (within) =>
          db.$transaction(within, {
            timeout: timeoutMs,
            ...(isolation === undefined ? {} : { isolationLevel: levels[isolation] }),
          }),
        (tx, text) => execute(tx as Raw & Tx, text),
        first,
        values,
        lost,
      ),
  }
}

async function execute(on: Raw, text: string): Promise<readonly ResultRow[]> {
  // An insert without a result is none of its queries.
  if (text.startsWith('insert')) {
    await on.$executeRawUnsafe(text)
    return []
  }
  return (await on.$queryRawUnsafe(text)) as readonly ResultRow[]
}
