// What postgres() refuses before it asks the server anything.
import pg from 'pg'
import openPostgresJs from 'postgres'
import { type PostgresSettings, postgres } from 'reprise/postgres'
import { expect, test } from 'vitest'

// Connects when it is first used, which it never is.
const pool = new pg.Pool()
const sql = openPostgresJs()
const given = (options: object) => () => postgres({ ...options } as PostgresSettings & { pool: pg.Pool })

test.each([
  ['no client', {}, 'pass one of'],
  ['two clients', { pool, sql }, 'pass one of'],
  ['a single connection of pg', { pool: new pg.Client() }, 'a Pool of pg'],
  ['a pool as a client', { client: pool }, 'kysely(db), drizzle(db), knex(db) or prisma(db)'],
  ['postgres.js as a pool', { pool: sql }, 'a Pool of pg'],
  ['a connection of postgres.js that is set aside', { sql: { unsafe: () => [], release: () => undefined } }, '3.4'],
  ['a level that there is not', { pool, isolation: 'snapshot' }, 'isolation'],
  ['a batch of none', { pool, batch: 0 }, 'batch'],
  ['something else than a flag', { pool, acceptLoss: 1 }, 'acceptLoss'],
  ['an option that there is not', { pool, tabel: 'x' }, 'table'],
])('refuses %s', (_, options, said) => {
  expect(given(options)).toThrow(said)
})

test('says what it can promise', () => {
  expect(postgres({ pool }).capabilities).toEqual({
    transactional: true,
    durable: true,
    survivesFailover: false,
    wakesWaiters: true,
  })
  expect(postgres({ pool, acceptLoss: true }).capabilities.durable).toBe(false)
  expect(postgres({ pool, prepare: false }).capabilities.wakesWaiters).toBe(false)
  expect(postgres({ sql: openPostgresJs({ prepare: false }) }).capabilities.wakesWaiters).toBe(false)
})
