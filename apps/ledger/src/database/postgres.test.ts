// What only a server across a network can do to the ledger.
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePort } from '../../../../scripts/services/ports.ts'
import { describeWith } from '../../../../test/services/services.ts'
import { type FreshDatabase, freshSchemas } from '../../testing/databases.ts'
import { fundedLedger, keys } from '../../testing/ledger.ts'
import { openLedger } from '../accounts/accounts.ts'
import { buildServer } from '../server.ts'
import { openDatabase } from './database.ts'

const transfer = { from: 'alice', to: 'bob', amount: 1, currency: 'EUR' }

const describePostgres = await describeWith('postgres')

describePostgres('on a server', () => {
  const make = freshSchemas()
  let fresh: FreshDatabase
  beforeEach(async () => {
    fresh = await make()
  })
  afterEach(() => fresh.remove())

  test('of many processes that start at once, one brings the tables up to date', async () => {
    const many = await Promise.all(Array.from({ length: 8 }, () => openDatabase(fresh.place, () => undefined)))
    await Promise.all(many.map((each) => each.migrate((db) => openLedger(db, 'demo', '2026-01-01T00:00:00.000Z'))))
    await Promise.all(many.map((each) => each.close()))
    expect(await fresh.ask('select version from ledger_schema')).toEqual([{ version: 1 }])
    expect(await fresh.ask('select id from accounts')).toEqual([{ id: 'world' }])
  })

  test('connections that the server has closed are replaced, whatever they were used for', async () => {
    const ledger = await fundedLedger({ make: async () => fresh })
    try {
      const first = await ledger.post('/v1/transfers', transfer, { key: 'k' })
      expect(first.status).toBe(201)
      const closed = await fresh.ask(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ledger' and datname = current_database()",
      )
      expect(closed.length).toBeGreaterThan(1)
      // The news may arrive after the next question: then it is this question that fails, and may be asked again.
      const answers = [await ledger.get('/v1/accounts/alice')]
      while (answers.at(-1)?.status === 503) answers.push(await ledger.get('/v1/accounts/alice'))
      expect(answers.at(-1)?.json).toMatchObject({ balance: 99_99 })
      const second = await ledger.post('/v1/transfers', { ...transfer, amount: 2 })
      expect([201, 503]).toContain(second.status)
      expect((await ledger.post('/v1/transfers', transfer, { key: 'k' })).text).toBe(first.text)
    } finally {
      await ledger.app.close()
    }
  })

  test('an attempt whose connection is lost under its hands has done nothing, and is told to come again', async () => {
    const ledger = await fundedLedger({ make: async () => fresh })
    const holder = new pg.Client({ connectionString: urlOf(fresh) })
    await holder.connect()
    try {
      await holder.query("begin; select from accounts where id = 'alice' for update")
      const held = ledger.post('/v1/transfers', transfer, { key: 'lost' })
      let waiting: unknown[] = []
      while (waiting.length === 0) {
        waiting = await fresh.ask(
          'select pg_terminate_backend(pid) from pg_stat_activity ' +
            "where application_name = 'ledger' and wait_event_type = 'Lock' and datname = current_database()",
        )
      }
      const told = await held
      expect([told.status, told.json.code, told.json.outcome]).toEqual([503, 'not-ready', 'none'])
      await holder.query('rollback')
      const again = await ledger.post('/v1/transfers', transfer, { key: 'lost' })
      expect([again.status, again.headers['idempotent-replayed']]).toEqual([201, undefined])
      expect(await ledger.count('transfers')).toBe(2)
    } finally {
      await holder.end()
      await ledger.app.close()
    }
  })
})

function urlOf({ place }: FreshDatabase): string {
  if (place.kind !== 'postgres') throw new Error('This is no PostgreSQL.')
  return place.url
}

test('without a server, nothing is done, and everybody is told to come again', async () => {
  const place = { kind: 'postgres', url: `postgres://nobody:s3cret@127.0.0.1:${await freePort()}/ledger` } as const
  const { app } = await buildServer({ config: { database: place, keys, logLevel: 'silent' }, prepared: true })
  const authorization = 'Bearer demo-key'
  try {
    const read = await app.inject({ url: '/v1/accounts', headers: { authorization } })
    expect([read.statusCode, read.json().code]).toEqual([503, 'not-ready'])
    const headers = { authorization, 'idempotency-key': 'k' }
    const asked = await app.inject({ method: 'POST', url: '/v1/transfers', headers, payload: transfer })
    expect([asked.statusCode, asked.json().code]).toEqual([503, 'idempotency-unavailable'])
    expect((await app.inject('/readyz')).statusCode).toBe(503)
    expect((await app.inject('/healthz')).statusCode).toBe(200)
    expect(read.body + asked.body).not.toContain('s3cret')
  } finally {
    await app.close()
  }
})
