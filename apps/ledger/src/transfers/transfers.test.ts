import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { onEachDatabase } from '../../testing/databases.ts'
import { balancesOf, fundedLedger, sum, type TestLedger } from '../../testing/ledger.ts'

await onEachDatabase((make) => {
  let ledger: TestLedger

  beforeEach(async () => {
    ledger = await fundedLedger({ make })
  })
  afterEach(() => ledger.close())

  const rent = { from: 'alice', to: 'bob', amount: 25_00, currency: 'EUR', reference: 'Rent' }

  describe('a transfer', () => {
    test('moves the money and can be read', async () => {
      const posted = await ledger.post('/v1/transfers', rent)
      expect(posted.status).toBe(201)
      expect(posted.json).toMatchObject({ ...rent, status: 'posted' })
      expect(posted.headers.location).toBe(`/v1/transfers/${posted.json.id}`)
      expect((await ledger.get(`/v1/transfers/${posted.json.id}`)).json).toEqual(posted.json)
      expect(await balancesOf(ledger)).toEqual({ world: -100_00, alice: 75_00, bob: 25_00 })
    })

    test('needs no reference', async () => {
      const { reference: _, ...body } = rent
      expect((await ledger.post('/v1/transfers', body)).json.reference).toBeNull()
    })

    test('may take the last cent, and not one more', async () => {
      expect((await ledger.post('/v1/transfers', { ...rent, amount: 100_01 })).status).toBe(422)
      expect((await ledger.post('/v1/transfers', { ...rent, amount: 100_00 })).status).toBe(201)
      expect((await ledger.post('/v1/transfers', { ...rent, amount: 1 })).status).toBe(422)
      expect(await balancesOf(ledger)).toEqual({ world: -100_00, alice: 0, bob: 100_00 })
    })
  })

  describe('a retry', () => {
    test('is answered with the same bytes, and nothing happens', async () => {
      const first = await ledger.post('/v1/transfers', rent, { key: 'k1' })
      const replays = await Promise.all(
        Array.from({ length: 5 }, () => ledger.post('/v1/transfers', rent, { key: 'k1' })),
      )
      for (const replay of replays) {
        expect([replay.status, replay.text]).toEqual([201, first.text])
        expect(replay.headers).toMatchObject({
          'idempotent-replayed': 'true',
          'idempotency-key': 'k1',
          'content-type': first.headers['content-type'],
          location: first.headers.location,
        })
      }
      expect(first.headers['idempotent-replayed']).toBeUndefined()
      expect(await ledger.count('transfers')).toBe(2)
      expect(await balancesOf(ledger)).toEqual({ world: -100_00, alice: 75_00, bob: 25_00 })
    })

    test('may spell the key in quotes and the body otherwise', async () => {
      const first = await ledger.post('/v1/transfers', rent, { key: 'k1' })
      const spelled = '{"reference":"R\\u0065nt", "currency":"EUR","amount":2.5e3,"to":"bob","from":"alice"}'
      const replay = await ledger.post('/v1/transfers', spelled, { key: '"k1"' })
      expect([replay.status, replay.text]).toEqual([201, first.text])
    })

    test('by another key of the same principal is still a retry', async () => {
      const first = await ledger.post('/v1/transfers', rent, { key: 'k1' })
      const replay = await ledger.post('/v1/transfers', rent, { key: 'k1', as: 'demo-key-2' })
      expect([replay.status, replay.text]).toEqual([201, first.text])
    })

    test('names the request that did the work', async () => {
      const { headers } = await ledger.post('/v1/transfers', rent, { key: 'k1' })
      expect(headers['idempotency-original-request']).toBeUndefined()
      const replay = await ledger.post('/v1/transfers', rent, { key: 'k1' })
      expect(replay.headers['idempotency-original-request']).toMatch(/^[0-9a-f-]{36}$/)
    })
  })

  describe('a key that is used for something else', () => {
    test.for([
      ['another amount', '/v1/transfers', { ...rent, amount: 1 }],
      ['a body that is not valid', '/v1/transfers', { ...rent, amount: 'much' }],
      ['another operation', '/v1/accounts', { owner: 'x', currency: 'EUR' }],
    ] as const)('%s: 422, and nothing happens', async ([, path, body]) => {
      await ledger.post('/v1/transfers', rent, { key: 'k1' })
      const reused = await ledger.post(path, body, { key: 'k1' })
      expect(reused.status).toBe(422)
      expect(reused.json).toMatchObject({
        type: 'https://reprise.dev/problems/idempotency-key-reused',
        key_action: 'new',
        outcome: 'unchanged',
      })
      expect([await ledger.count('transfers'), await ledger.count('accounts')]).toEqual([2, 4])
      expect((await ledger.post('/v1/transfers', rent, { key: 'k1' })).status).toBe(201)
    })
  })

  describe('a refusal', () => {
    beforeEach(async () => {
      await ledger.post('/v1/accounts', { id: 'dora', owner: 'dora', currency: 'USD' })
    })

    test.for([
      ['insufficient-funds', { ...rent, amount: 100_01 }, '/amount'],
      ['insufficient-funds', { from: 'bob', to: 'world', amount: 1, currency: 'EUR' }, '/amount'],
      ['unknown-account', { ...rent, from: 'nobody' }, '/from'],
      ['unknown-account', { ...rent, to: 'nobody' }, '/to'],
      ['unknown-account', { ...rent, to: 'nobody', amount: 1_000_00 }, '/to'],
      ['currency-mismatch', { ...rent, currency: 'USD' }, '/currency'],
      ['currency-mismatch', { ...rent, to: 'dora' }, '/currency'],
      ['currency-mismatch', { from: 'dora', to: 'world', amount: 1, currency: 'EUR' }, '/currency'],
      ['same-account', { ...rent, to: 'alice' }, '/to'],
      ['same-account', { from: 'world', to: 'world', amount: 1, currency: 'EUR' }, '/to'],
    ] as const)('%s: %o', async ([slug, body, pointer]) => {
      const before = await balancesOf(ledger)
      const refused = await ledger.post('/v1/transfers', body, { key: 'refused' })
      expect(refused.status).toBe(422)
      expect(refused.headers['content-type']).toBe('application/problem+json')
      expect(refused.json).toMatchObject({
        type: `https://reprise.dev/problems/ledger/${slug}`,
        status: 422,
        code: slug,
        pointer,
        retryable: false,
        key_action: 'new',
        outcome: 'none',
      })
      expect(await balancesOf(ledger)).toEqual(before)
      expect(await ledger.count('transfers')).toBe(1)

      const again = await ledger.post('/v1/transfers', body, { key: 'refused' })
      expect([again.status, again.text]).toEqual([422, refused.text])
      expect(again.headers['content-type']).toBe('application/problem+json')
      expect(again.headers['idempotent-replayed']).toBe('true')
    })

    test('stands, even once it could succeed: the client was told no and has moved on', async () => {
      const body = { from: 'bob', to: 'alice', amount: 50, currency: 'EUR' }
      const refused = await ledger.post('/v1/transfers', body, { key: 'early' })
      await ledger.post('/v1/transfers', rent)
      const again = await ledger.post('/v1/transfers', body, { key: 'early' })
      expect([again.status, again.text]).toEqual([422, refused.text])
      expect((await ledger.post('/v1/transfers', body, { key: 'later' })).status).toBe(201)
    })

    test('of a body that is not valid is an outcome too', async () => {
      const body = { ...rent, amount: 'much', memo: true }
      const refused = await ledger.post('/v1/transfers', body, { key: 'invalid' })
      expect(refused.status).toBe(400)
      expect(refused.json).toMatchObject({
        type: 'https://reprise.dev/problems/ledger/validation-failed',
        errors: [{ pointer: '/amount' }, { pointer: '/memo' }],
        key_action: 'new',
      })
      const again = await ledger.post('/v1/transfers', body, { key: 'invalid' })
      expect([again.status, again.text]).toEqual([400, refused.text])
      expect(await ledger.count('transfers')).toBe(1)
    })
  })

  test('the ledger ends where exact numbers do', async () => {
    const { MAX_SAFE_INTEGER } = Number
    const deposit = { from: 'world', to: 'alice', amount: 1e15, currency: 'EUR' }
    for (let held = 100_00; held + 1e15 <= MAX_SAFE_INTEGER; held += 1e15) {
      expect((await ledger.post('/v1/transfers', deposit)).status).toBe(201)
    }
    const refused = await ledger.post('/v1/transfers', deposit)
    expect([refused.status, refused.json.code]).toEqual([422, 'balance-limit'])

    const { alice = 0 } = await balancesOf(ledger)
    const room = MAX_SAFE_INTEGER - alice
    expect((await ledger.post('/v1/transfers', { ...deposit, amount: room + 1 })).json.code).toBe('balance-limit')
    expect((await ledger.post('/v1/transfers', { ...deposit, amount: room })).status).toBe(201)
    expect(await balancesOf(ledger)).toEqual({ world: -MAX_SAFE_INTEGER, alice: MAX_SAFE_INTEGER, bob: 0 })

    // The limit is one of the whole ledger: in another currency, too, nothing more comes in.
    await ledger.post('/v1/accounts', { id: 'dora', owner: 'dora', currency: 'USD' })
    const dollar = { from: 'world', to: 'dora', amount: 1, currency: 'USD' }
    expect((await ledger.post('/v1/transfers', dollar)).json.code).toBe('balance-limit')
    expect((await ledger.post('/v1/transfers', { ...rent, amount: 1e15 })).status).toBe(201)
    expect((await ledger.post('/v1/transfers', { ...rent, to: 'world', amount: 1 })).status).toBe(201)
    expect((await ledger.post('/v1/transfers', dollar)).status).toBe(201)
    expect(sum(await balancesOf(ledger))).toBe(0)
  })

  test('the list has the newest first, page by page', async () => {
    const expected: string[] = []
    for (let amount = 1; amount <= 8; amount++) {
      expected.unshift((await ledger.post('/v1/transfers', { ...rent, amount })).json.id)
    }
    const { json: whole } = await ledger.get('/v1/transfers')
    expect(whole.items.map(({ id }: { id: string }) => id).slice(0, 8)).toEqual(expected)
    expect([whole.items.length, whole.next_cursor]).toEqual([9, null])

    const { json: first } = await ledger.get('/v1/transfers?limit=4')
    // What comes in between moves nothing to the pages that follow.
    await ledger.post('/v1/transfers', { ...rent, amount: 9 })
    const { json: second } = await ledger.get(`/v1/transfers?limit=4&cursor=${first.next_cursor}`)
    expect([...first.items, ...second.items]).toEqual(whole.items.slice(0, 8))
    const { json: last } = await ledger.get(`/v1/transfers?limit=4&cursor=${second.next_cursor}`)
    expect([last.items, last.next_cursor]).toEqual([whole.items.slice(8), null])
  })

  test('a transfer that is not there is 404, with a problem of its own', async () => {
    const { status, json } = await ledger.get('/v1/transfers/none')
    expect([status, json.code]).toEqual([404, 'transfer-not-found'])
  })
})
