/** The table in the database, as numbered migrations, and every statement on it. */

import { hash } from 'node:crypto'
import { RepriseError } from '../../engine/errors.ts'
import { type Statement, statementOf } from './statement.ts'

/** Which table, as it stands in SQL. */
export interface Place {
  readonly schema: string | undefined
  readonly table: string
}

const identifier = /^[a-zA-Z_][a-zA-Z0-9_]{0,40}$/

export function isIdentifier(name: unknown): name is string {
  return typeof name === 'string' && identifier.test(name)
}

export function qualified({ schema, table }: Place): string {
  return schema === undefined ? `"${table}"` : `"${schema.replaceAll('"', '""')}"."${table}"`
}

/** The table as a text of SQL. */
function named(place: Place): string {
  return `'${qualified(place).replaceAll("'", "''")}'`
}

/**
 * Migration n brings the schema from n - 1 to n. Never edit one that has been released.
 *
 * `id` and `rest` are the halves of the record's id. `due_at` is when time alone next changes the record, in milliseconds
 * since 1970. `record` is the record as a JSON array in UTF-8 without the body of its outcome; bytes, because they are
 * compared to the letter. What is looked for by its members is looked for in there: a first call pays for every column.
 */
function migrations(place: Place): readonly string[] {
  const table = qualified(place)
  const index = (what: string): string => `"${place.table}_${what}"`
  return [
    `create table ${table} (
    id uuid not null,
    rest uuid not null,
    due_at bigint,
    record bytea not null,
    body bytea,
    constraint ${index('pkey')} primary key (id)
  );
  create index ${index('due')} on ${table} (due_at) where due_at is not null;
  create index ${index('open')} on ${table} (id) where due_at is null;`,
  ]
}

/** The schema that this build works on. */
export const schemaVersion = 1

/**
 * The migrations as statements to print or run by other means: each does nothing where it has been run before, and waits
 * for another process that is running it.
 */
export function migrationTexts(place: Place): readonly string[] {
  const lock = `perform pg_advisory_xact_lock(hashtextextended('reprise:' || ${named(place)}, 0));`
  const create =
    place.schema === undefined
      ? []
      : [
          `do $reprise$ begin
  ${lock}
  if not exists (select from pg_namespace where nspname = '${place.schema}') then
    create schema "${place.schema}";
  end if;
end $reprise$`,
        ]
  const steps = migrations(place).map((ddl, n) => {
    const to = n + 1
    return `do $reprise$ begin
  ${lock}
  if ${versionOf(place)} = ${n} then
  ${ddl}
  comment on table ${qualified(place)} is 'reprise schema ${to}';
  end if;
end $reprise$`
  })
  return [...create, ...steps]
}

/** The version of the schema that is there: 0 for no table, -1 for a table that is not Reprise's. */
function versionOf(place: Place): string {
  const oid = `to_regclass(${named(place)})`
  const comment = `obj_description(${oid}, 'pg_class')`
  return `(case when ${oid} is null then 0 else coalesce(substring(${comment} from '^reprise schema (\\d+)$')::int, -1) end)`
}

/** Refuses a database that is not migrated, or further than this build. */
export function requireVersion(place: Place, version: number): void {
  const table = qualified(place)
  if (Number.isNaN(version)) {
    throw new RepriseError('option-invalid', 'postgres: the client gives columns other names than the server does.')
  }
  if (version === -1) {
    throw new RepriseError('option-invalid', `postgres: there is a table ${table} already that is not of Reprise.`)
  }
  if (version < schemaVersion) {
    const has = version === 0 ? 'does not exist' : `has schema ${version}, this needs ${schemaVersion}`
    throw new RepriseError('schema-missing', `The table ${table} ${has}.`)
  }
  if (version > schemaVersion) {
    throw new RepriseError(
      'schema-newer',
      `The table ${table} has schema ${version}; this build knows ${schemaVersion}.`,
    )
  }
}

/** The user of the connection may not create what is missing. */
export function notAllowedToMigrate(place: Place, cause: unknown): RepriseError {
  const table = qualified(place)
  return new RepriseError(
    'server-unfit',
    `PostgreSQL does not let this user create ${table} (${(cause as Error).message}). Run what postgresMigrations() returns ` +
      `as a user who may, and grant this one SELECT, INSERT, UPDATE and DELETE on ${table}.`,
    { cause },
  )
}

export type Statements = ReturnType<typeof statementsOf>

/** Every statement on a table, prepared under names that carry the table's. */
export function statementsOf(place: Place): {
  readonly look: Statement
  readonly insert: Statement
  readonly replace: Statement
  readonly exchange: Statement
  readonly due: Statement
  readonly page: Statement
  readonly openPage: Statement
  readonly tell: Statement
  readonly state: Statement
} {
  const table = qualified(place)
  // Names of prepared statements are cut off at 63 characters.
  const mark = hash('sha1', table, 'hex').slice(0, 12)
  const statement = (name: string, types: readonly string[], text: string): Statement =>
    statementOf(`reprise_${name}_${mark}`, types, text)
  const now = '(extract(epoch from clock_timestamp()) * 1000)::bigint'
  const member = (n: number): string => `(convert_from(record, 'UTF8')::json ->> ${n})`
  const filter = `($1::text[] is null or ${member(1)} = any($1)) and ($2::bytea is null or ${member(2)} = convert_from($2, 'UTF8'))`
  const page = (where: string): string =>
    `select id, rest, record, body from ${table} where ${where}${filter} and id > $3 order by id limit $4`
  return {
    // The first thing in a transaction: both locks, a bound on how long it may lie idle, and what is there.
    look: statement(
      'look',
      ['bigint', 'bigint', 'uuid', 'int'],
      `select case when not pg_try_advisory_xact_lock($1) then 1 when not pg_try_advisory_xact_lock($2) then 2 ` +
        `when $4 is not null and set_config('idle_in_transaction_session_timeout', $4::text, true) = '' then 3 ` +
        `else 0 end as met, ` +
        `r.rest, r.record, r.body from (values (0)) as one left join ${table} r on r.id = $3`,
    ),
    // The last thing in it, which fails where another has been faster.
    insert: statement(
      'insert',
      ['uuid', 'uuid', 'bigint', 'bytea', 'bytea'],
      `insert into ${table} (id, rest, due_at, record, body) values ($1, $2, $3, $4, $5)`,
    ),
    // The same over a record that was found: a row that is not as it was found divides by zero.
    replace: statement(
      'replace',
      ['uuid', 'bytea', 'bigint', 'bytea', 'bytea'],
      `with written as (update ${table} set due_at = $3, record = $4, body = $5 where id = $1 and record = $2 ` +
        'returning 1) select 1 / (select count(*) from written)',
    ),
    exchange: statement(
      'exchange',
      ['uuid[]', 'uuid[]', 'bytea[]', 'bytea[]', 'bytea[]', 'bigint[]'],
      'with asked as (select * from unnest($1, $2, $3, $4, $5, $6) as t (id, rest, was, record, body, due_at)), ' +
        `inserted as (insert into ${table} (id, rest, due_at, record, body) ` +
        'select id, rest, due_at, record, body from asked where was is null and record is not null order by id ' +
        'on conflict (id) do nothing returning id), ' +
        `updated as (update ${table} t set due_at = a.due_at, record = a.record, body = a.body from asked a ` +
        'where t.id = a.id and a.record is not null and t.record = a.was returning t.id), ' +
        `removed as (delete from ${table} t using asked a ` +
        'where t.id = a.id and a.record is null and t.record = a.was returning t.id), ' +
        'done as (select id from inserted union all select id from updated union all select id from removed) ' +
        `select a.id, d.id is not null as done, t.rest, t.record, t.body, ${now} as now from asked a ` +
        `left join done d on d.id = a.id left join ${table} t on t.id = a.id and d.id is null`,
    ),
    due: statement(
      'due',
      ['bigint', 'int'],
      `select id, rest, record, body from ${table} where due_at <= $1 order by due_at limit $2`,
    ),
    page: statement('page', ['text[]', 'bytea', 'uuid', 'int'], page('')),
    openPage: statement('open_page', ['text[]', 'bytea', 'uuid', 'int'], page('due_at is null and ')),
    // Tells those who said that they wait, and disturbs nobody where nobody does: a notification takes a lock that all
    // commits of the database share.
    tell: statement(
      'tell',
      ['bigint[]', 'uuid[]', 'uuid[]'],
      `select pg_notify('${channelOf(place)}', id::text || rest::text) ` +
        'from unnest($1, $2, $3) as t (waiting, id, rest) where not pg_try_advisory_xact_lock(waiting)',
    ),
    state: statement(
      'state',
      [],
      // Names of one word, which stay as they are where a client rewrites names.
      `select ${versionOf(place)} as version, ${now} as now, current_setting('server_version_num')::int as server, ` +
        "current_setting('fsync') as fsync, current_setting('synchronous_commit') as commits, " +
        "current_setting('transaction_read_only') as readonly, (select nspname from pg_class c join pg_namespace n " +
        `on n.oid = relnamespace where c.oid = to_regclass(${named(place)})) as home`,
    ),
  }
}

/** The channel on which those who wait are told. */
export function channelOf({ schema, table }: Place): string {
  return `reprise_${hash('sha1', qualified({ schema, table }), 'hex').slice(0, 12)}`
}
