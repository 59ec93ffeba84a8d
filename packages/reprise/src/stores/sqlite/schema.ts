/** The tables in the file, as numbered migrations. They live beside the application's own tables. */

import { RepriseError } from '../../engine/errors.ts'
import type { DriverConnection } from './driver.ts'

/**
 * Migration n brings the schema from n - 1 to n; each is run once, in its own transaction. Never edit one that has been
 * released.
 *
 * `record` is the record as a JSON array (codec.ts) without the body of its outcome, which is TEXT where it is UTF-8 and
 * a BLOB elsewhere. `due_at` is when time alone next changes the record. `bucket` is a number made of the id (records.ts).
 */
export const migrations: readonly string[] = [
  `create table reprise_records (
  bucket integer not null,
  id text not null,
  state text not null,
  name text not null,
  due_at integer,
  record text not null,
  body any
) strict;
create index reprise_records_bucket on reprise_records (bucket);
create index reprise_records_due on reprise_records (due_at) where due_at is not null;
create index reprise_records_open on reprise_records (state) where due_at is null;
insert into reprise_meta (name, value) values ('fence_floor', 0);`,
]

const metaTable =
  'create table if not exists reprise_meta (name text primary key, value integer not null) strict, without rowid'

/**
 * Brings the file to the newest schema. Safe from several processes at once: each migration holds the write lock.
 *
 * Throws `schema-newer` where a later version of Reprise has been here.
 */
export function migrate(connection: DriverConnection, file: string): void {
  connection.exec('begin immediate')
  try {
    connection.exec(metaTable)
    const at = schemaVersion(connection) ?? 0
    refuseNewer(at, file)
    for (let version = at + 1; version <= migrations.length; version++) {
      connection.exec(migrations[version - 1] as string)
      connection.exec(`insert into reprise_meta (name, value) values ('schema', ${version})
        on conflict (name) do update set value = excluded.value`)
    }
    connection.exec('commit')
  } catch (error) {
    connection.exec('rollback')
    throw error
  }
}

/** Throws `schema-missing` or `schema-newer` unless the file has exactly the schema that this build works on. */
export function requireSchema(connection: DriverConnection, file: string): void {
  const has = connection.prepare("select 1 from sqlite_schema where type = 'table' and name = 'reprise_meta'").get()
  const at = has === undefined ? undefined : schemaVersion(connection)
  if (at === undefined || at < migrations.length) {
    throw new RepriseError(
      'schema-missing',
      `The file ${file} has schema ${at ?? 'none'}, this needs ${migrations.length}.`,
    )
  }
  refuseNewer(at, file)
}

function schemaVersion(connection: DriverConnection): number | undefined {
  const row = connection.prepare("select value from reprise_meta where name = 'schema'").get() as
    | { value: number }
    | undefined
  return row === undefined ? undefined : Number(row.value)
}

function refuseNewer(at: number, file: string): void {
  if (at > migrations.length) {
    throw new RepriseError('schema-newer', `The file ${file} has schema ${at}; this build knows ${migrations.length}.`)
  }
}
