// The table and how it comes to be: from any number of processes, from printed SQL, for users who may not create it, and
// beside tables of the same name.
import pg from 'pg'
import { createReprise } from 'reprise'
import { type PostgresSettings, postgres, postgresMigrations } from 'reprise/postgres'
import { afterAll, expect, test } from 'vitest'
import { describeWith } from '../services/services.ts'
import { tableName } from './given.ts'
import { database } from './wired.ts'

const describePostgres = await describeWith('postgres')

describePostgres('the table of records', () => {
  const its = database()
  const pools: pg.Pool[] = []
  afterAll(async () => void (await Promise.all(pools.map((pool) => pool.end()))))

  /** A store as another user, or with another search path. */
  function storeOf(settings: PostgresSettings = {}, config: pg.PoolConfig & { readonly as?: string } = {}) {
    const own = new URL(its.url)
    if (config.as !== undefined) own.username = config.as
    const pool = new pg.Pool({ connectionString: own.href, max: 3, ...config })
    pools.push(pool)
    return postgres({ ...settings, pool })
  }
  async function expectToWork(store: ReturnType<typeof storeOf>): Promise<void> {
    const reprise = createReprise({ store, principal: () => 'p', replayCacheBytes: 0 })
    const run = (key: string, guarantee: 'guarded' | 'transactional') =>
      reprise.run({ name: 'order', guarantee }, { principal: 'p', key }, () => 1)
    const key = tableName()
    expect(await run(`${key}g`, 'guarded')).toMatchObject({ kind: 'done', replayed: false })
    expect(await run(`${key}t`, 'transactional')).toMatchObject({ kind: 'done', replayed: false })
    expect(await run(`${key}t`, 'transactional')).toMatchObject({ kind: 'done', replayed: true })
    expect((await store.list({})).items.length).toBeGreaterThan(1)
    await store.sweep(10)
  }
  const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => 'no error',
      ({ code, message }: Error & { code: string }) => `${code}: ${message}`,
    )

  test('is made once by ten processes, and again changes nothing', async () => {
    const table = tableName()
    const stores = Array.from({ length: 10 }, () => storeOf({ table }))
    await Promise.all(stores.map((store) => store.migrate()))
    await Promise.all(stores.map((store) => store.migrate()))
    await expectToWork(stores[9] as (typeof stores)[number])
  })

  test('is made with its schema by ten processes', async () => {
    const schema = tableName()
    const stores = Array.from({ length: 10 }, () => storeOf({ schema }))
    await Promise.all(stores.map((store) => store.migrate()))
    await expectToWork(stores[0] as (typeof stores)[number])
    expect(await its.seen.one('select to_regclass($1) is not null as there', [`${schema}.reprise_records`])).toEqual({
      there: true,
    })
  })

  test('is made from the printed SQL, whoever runs it, as often as they like', async () => {
    const place = { schema: tableName(), table: 'Records_of_Ours' }
    const texts = postgresMigrations(place)
    // As `psql -f` would, one statement after the other.
    for (let times = 0; times < 2; times++) for (const text of texts) await its.seen.pool.query(`${text};`)
    const store = storeOf(place)
    await expectToWork(store)
    expect(postgresMigrations(place).join('\n')).toContain(`create table "${place.schema}"."Records_of_Ours"`)
  })

  test('has to be there', async () => {
    const store = storeOf({ table: tableName() })
    expect(await codeOf(store.find('A'.repeat(43)))).toMatch(/^schema-missing: The table "t\w+" does not exist/)
    // And is looked for again when it has come.
    await store.migrate()
    expect(await store.find('A'.repeat(43))).toBeUndefined()
  })

  test('is not taken for one that has its name', async () => {
    const table = tableName()
    await its.seen.pool.query(
      `create table ${table} (id int primary key, note text); insert into ${table} values (1, 'ours')`,
    )
    const store = storeOf({ table })
    const refusal = `option-invalid: postgres: there is a table "${table}" already that is not of Reprise.`
    expect(await codeOf(store.migrate())).toContain(refusal)
    expect(await codeOf(store.claim({ id: 'A'.repeat(43), name: 'x', fingerprint: 'v1' }, {} as never))).toContain(
      refusal,
    )
    expect(await its.seen.one(`select * from ${table}`)).toEqual({ id: 1, note: 'ours' })
  })

  test('of a later version is not touched', async () => {
    const table = tableName()
    await storeOf({ table }).migrate()
    await its.seen.pool.query(`comment on table ${table} is 'reprise schema 99'`)
    expect(await codeOf(storeOf({ table }).migrate())).toMatch(/^schema-newer: .* has schema 99; this build knows 1/)
    expect(await codeOf(storeOf({ table }).find('A'.repeat(43)))).toMatch(/^schema-newer/)
  })

  test('can’t be made by a user who may not create, who is told what to do; may be used by one who may only write rows', async () => {
    const role = tableName()
    const schema = tableName()
    await its.seen.pool.query(
      `create role ${role} login; create schema ${schema}; grant usage on schema ${schema} to ${role}`,
    )
    for (const place of [{ schema }, { schema: `${schema}_other` }]) {
      const refused = await codeOf(storeOf(place, { as: role }).migrate())
      expect(refused).toMatch(/^server-unfit: PostgreSQL does not let this user create "/)
      expect(refused).toContain('Run what postgresMigrations() returns')
      expect(refused).toContain(
        `grant this one SELECT, INSERT, UPDATE and DELETE on "${place.schema}"."reprise_records"`,
      )
    }
    await storeOf({ schema }).migrate()
    const without = storeOf({ schema }, { as: role })
    expect(await codeOf(without.find('A'.repeat(43)))).toMatch(/does not let this user at the table/)
    await its.seen.pool.query(`grant select, insert, update, delete on ${schema}.reprise_records to ${role}`)
    const store = storeOf({ schema }, { as: role })
    await store.migrate()
    await expectToWork(store)
    await its.seen.pool.query(`drop owned by ${role}; drop role ${role}`)
  })

  test('is the first of the search path, and stays it whatever a handler sets', async () => {
    const [first, second] = [tableName(), tableName()]
    await its.seen.pool.query(`create schema ${first}; create schema ${second}`)
    const onPath = (path: string) => storeOf({}, { options: `-c search_path=${path}` })
    const store = onPath(`${first},${second}`)
    await store.migrate()
    await onPath(second).migrate()
    const reprise = createReprise({ store, principal: () => 'p', replayCacheBytes: 0 })
    const key = tableName()
    const run = () =>
      reprise.run({ name: 'order', guarantee: 'transactional' }, { principal: 'p', key }, async ({ tx }) => {
        // As applications do that keep each tenant in a schema of its own.
        await tx.query(`set local search_path = ${second}, public`)
        await tx.query('insert into effects values ($1)', [key])
      })
    expect(await run()).toMatchObject({ replayed: false })
    expect(await run()).toMatchObject({ replayed: true })
    expect(await its.seen.effects(key)).toBe(1)
    const rows = (schema: string) => its.seen.one(`select count(*)::int as n from ${schema}.reprise_records`)
    expect([await rows(first), await rows(second)]).toEqual([{ n: 1 }, { n: 0 }])
    // Where the path leads elsewhere, there is no table, rather than another one made on the way.
    expect(await codeOf(onPath('public').find('A'.repeat(43)))).toMatch(/^schema-missing/)
  })

  test('may lie in a schema of any name that the search path names', async () => {
    const schema = `It's "${tableName()}"`
    const quoted = `"${schema.replaceAll('"', '""')}"`
    await its.seen.pool.query(`create schema ${quoted}`)
    const path = quoted.replaceAll(/[\\ ]/g, '\\$&')
    const store = storeOf({}, { options: `-c search_path=${path}` })
    await store.migrate()
    await expectToWork(store)
  })

  test.each(['', 'a b', 'x"; drop table y; --', 'é', `${'a'.repeat(42)}`])('refuses the name %j', (table) => {
    expect(() => storeOf({ table })).toThrow('letters, digits and _')
    expect(() => postgresMigrations({ schema: table })).toThrow('letters, digits and _')
  })
})
