/** The table in the database, as numbered migrations. Its comment says which of them it has. */

import { RepriseError } from '../../engine/errors.ts'
import type { MysqlConnection } from './client.ts'
import { plainly, rowsOf, type Session } from './session.ts'
import { type Place, qualified, text } from './table.ts'

/**
 * Migration n brings the table from n - 1 to n, in one statement that also writes n into the comment: statements about
 * tables commit by themselves, so what is more than one statement can end in the middle. Never edit one that has been
 * released.
 *
 * `id` is the record's id, as the 32 bytes that it is. `record` is the record as a JSON array in UTF-8 without the body of
 * its outcome: bytes, because it is compared to the letter, and characters are not. `due_at` is when time alone next changes
 * the record, in milliseconds since 1970; the unfinished ones have none, and lie together in its index. `mark` is that of
 * the write that left the row so. `state` and `name` repeat what the record says, for those who look.
 */
export function migrationsOf(place: Place): readonly string[] {
  return [
    `create table if not exists ${qualified(place)} (
  id binary(32) not null,
  mark binary(16) not null,
  state varchar(16) character set ascii collate ascii_bin not null,
  name varchar(255) character set utf8mb4 collate utf8mb4_bin not null,
  due_at bigint null,
  record longblob not null,
  \`body\` longblob null,
  primary key (id),
  key due (due_at)
) engine = InnoDB comment = '${commentOf(1)}'`,
  ]
}

function commentOf(version: number): string {
  return `reprise schema ${version}`
}

/** How long a process waits for another that is migrating, in seconds. */
const migrationWaitS = 60
/** Changing a large table takes as long as it takes. */
const patiently = Number.POSITIVE_INFINITY

/**
 * Brings the table to the newest schema. Safe from several processes at once, and after one that ended in the middle.
 *
 * Throws `schema-newer` where a later version of Reprise has been here.
 */
export async function migrate(session: Session<MysqlConnection>, place: Place, lock: string): Promise<void> {
  const take = rowsOf(`select get_lock('${lock}', ${migrationWaitS}) as held`)
  const [[held]] = (await session.together([take], patiently)) as [{ held: unknown }[]]
  if (Number(held?.held) !== 1) {
    throw new RepriseError('store-unavailable', `Another process has been migrating for ${migrationWaitS} s.`)
  }
  try {
    const at = await versionOf(session, place)
    if (at === 'foreign') refuseForeign(place)
    const from = at === undefined ? 0 : (at as number)
    refuseNewer(from, place)
    for (const statement of migrationsOf(place).slice(from)) {
      await session.together([plainly(statement)], patiently)
    }
  } finally {
    await session.together([plainly(`do release_lock('${lock}')`)])
  }
}

/** Throws `schema-missing` or `schema-newer` unless the table has exactly the schema that this build works on. */
export async function requireSchema(session: Session<MysqlConnection>, place: Place): Promise<void> {
  const at = await versionOf(session, place)
  if (at === 'foreign') return refuseForeign(place)
  const needed = migrationsOf(place).length
  if (at === undefined || at < needed) {
    const has = at === undefined ? 'does not exist' : `has schema ${at}, this needs ${needed}`
    throw new RepriseError('schema-missing', `The table ${qualified(place)} ${has}.`)
  }
  refuseNewer(at, place)
}

/** The version that the table's comment tells; `undefined` where there is none, `foreign` where it is another's. */
async function versionOf(
  session: Session<MysqlConnection>,
  { schema, table }: Place,
): Promise<number | 'foreign' | undefined> {
  const database = schema === undefined ? 'database()' : `convert(${text(schema)} using utf8mb4)`
  const where = `table_schema = ${database} and table_name = convert(${text(table)} using utf8mb4)`
  const [rows] = (await session.together([
    rowsOf(`select engine as engine, table_comment as said from information_schema.tables where ${where}`),
  ])) as [{ engine: string | null; said: string }[]]
  const [found] = rows
  if (found === undefined) return undefined
  const version = /^reprise schema (\d+)$/.exec(found.said)?.[1]
  if (version === undefined) return 'foreign'
  if (found.engine !== 'InnoDB') {
    const is = `The table ${qualified({ schema, table })} is kept by ${found.engine}: nothing of it is transactional.`
    throw new RepriseError('server-unfit', `${is} Change it by "alter table … engine = InnoDB".`)
  }
  return Number(version)
}

function refuseForeign(place: Place): never {
  throw new RepriseError(
    'schema-missing',
    `The table ${qualified(place)} is none of Reprise, or has lost its comment: choose another name, or restore it.`,
  )
}

function refuseNewer(at: number, place: Place): void {
  const known = migrationsOf(place).length
  if (at > known) {
    throw new RepriseError('schema-newer', `The table ${qualified(place)} has schema ${at}; this build knows ${known}.`)
  }
}
