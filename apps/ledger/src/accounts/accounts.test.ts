import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { onEachDatabase } from '../../testing/databases.ts'
import { balancesOf, sum, type TestLedger, testLedger } from '../../testing/ledger.ts'

await onEachDatabase((make) => {
  let ledger: TestLedger
  let ids: number

  beforeEach(async () => {
    ids = 0
    ledger = await testLedger({
      make,
      ids: () => `id-${++ids}`,
      clock: { now: () => new Date('2026-01-02T03:04:05.678Z'), after: () => () => {}, every: () => () => {} },
    })
  })
  afterEach(() => ledger.close())

  describe('opening an account', () => {
    test('with an id of the client’s choice', async () => {
      const opened = await ledger.post('/v1/accounts', { id: 'alice', owner: 'Alice', currency: 'EUR' })
      expect(opened.status).toBe(201)
      expect(opened.headers.location).toBe('/v1/accounts/alice')
      expect(opened.json).toEqual({
        id: 'alice',
        owner: 'Alice',
        currency: 'EUR',
        balance: 0,
        created_at: '2026-01-02T03:04:05.678Z',
      })
      const read = await ledger.get('/v1/accounts/alice')
      expect([read.status, read.text]).toEqual([200, opened.text])
    })

    test('without one', async () => {
      const opened = await ledger.post('/v1/accounts', { owner: 'Alice', currency: 'EUR' })
      expect(opened.json.id).toMatch(/^id-\d+$/)
      expect(opened.headers.location).toBe(`/v1/accounts/${opened.json.id}`)
      expect((await ledger.get(opened.headers.location as string)).json).toEqual(opened.json)
    })

    test('owners keep every character', async () => {
      const owner = 'Ἀλίκη «O’Brien» 😀 <b>&amp;</b> \\ "x"'
      await ledger.post('/v1/accounts', { id: 'a', owner, currency: 'EUR' })
      expect((await ledger.get('/v1/accounts/a')).json.owner).toBe(owner)
    })
  })

  describe('an id that is taken', () => {
    test.for(['alice', 'world'])('%s: 409, recorded and replayed', async (id) => {
      await ledger.post('/v1/accounts', { id: 'alice', owner: 'Alice', currency: 'EUR' })
      const body = { id, owner: 'Mallory', currency: 'USD' }
      const refused = await ledger.post('/v1/accounts', body, { key: 'taken' })
      expect(refused.status).toBe(409)
      expect(refused.json).toMatchObject({
        type: 'https://reprise.dev/problems/ledger/account-exists',
        pointer: '/id',
        key_action: 'new',
      })
      const again = await ledger.post('/v1/accounts', body, { key: 'taken' })
      expect([again.status, again.text]).toEqual([409, refused.text])
      expect(again.headers['idempotent-replayed']).toBe('true')
      expect((await ledger.get('/v1/accounts/alice')).json.owner).toBe('Alice')
    })

    test('a retry of the opening itself is not told so', async () => {
      const body = { id: 'alice', owner: 'Alice', currency: 'EUR' }
      const first = await ledger.post('/v1/accounts', body, { key: 'open' })
      const second = await ledger.post('/v1/accounts', body, { key: 'open' })
      expect([second.status, second.text]).toEqual([201, first.text])
      expect(second.headers.location).toBe('/v1/accounts/alice')
      expect(await ledger.count('accounts')).toBe(3)
    })
  })

  describe('the world', () => {
    test('is there from the start, in every ledger, and holds nothing', async () => {
      for (const as of ['demo-key', 'other-key']) {
        expect((await ledger.get('/v1/accounts/world', as)).json).toEqual({
          id: 'world',
          owner: 'world',
          currency: null,
          balance: 0,
          balances: {},
          created_at: '2026-01-02T03:04:05.678Z',
        })
        expect((await ledger.get('/v1/accounts', as)).json.items).toHaveLength(1)
      }
    })

    test('holds minus what the others hold, in every currency and in total', async () => {
      for (const [id, currency, amount] of [
        ['a', 'EUR', 500],
        ['b', 'USD', 70],
        ['c', 'EUR', 30],
      ] as const) {
        await ledger.post('/v1/accounts', { id, owner: id, currency })
        await ledger.post('/v1/transfers', { from: 'world', to: id, amount, currency })
      }
      await ledger.post('/v1/transfers', { from: 'c', to: 'world', amount: 10, currency: 'EUR' })
      const { json } = await ledger.get('/v1/accounts/world')
      expect(json).toMatchObject({ balance: -590, balances: { EUR: -520, USD: -70 } })
      const { items } = (await ledger.get('/v1/accounts')).json
      expect(items.map(({ id }: { id: string }) => id)).toEqual(['world', 'a', 'b', 'c'])
      expect(items[0]).toEqual(json)
      expect(sum(await balancesOf(ledger))).toBe(0)
    })
  })

  describe('the list', () => {
    test('pages in the order of creation, the world first', async () => {
      const expected = ['world']
      for (let at = 0; at < 7; at++) {
        const { json } = await ledger.post('/v1/accounts', { owner: 'x', currency: at % 2 === 0 ? 'EUR' : 'USD' })
        await ledger.post('/v1/transfers', { from: 'world', to: json.id, amount: 5, currency: json.currency })
        expected.push(json.id)
      }
      const seen: string[] = []
      let path = '/v1/accounts?limit=3'
      for (;;) {
        const { status, json } = await ledger.get(path)
        expect(status).toBe(200)
        seen.push(...json.items.map(({ id }: { id: string }) => id))
        if (json.next_cursor === null) break
        expect(json.items).toHaveLength(3)
        path = `/v1/accounts?limit=3&cursor=${json.next_cursor}`
      }
      expect(seen).toEqual(expected)
    })

    test('refuses a cursor of somebody else’s ledger', async () => {
      await ledger.post('/v1/accounts', { id: 'a', owner: 'x', currency: 'EUR' })
      await ledger.post('/v1/accounts', { id: 'b', owner: 'x', currency: 'EUR' })
      const { json } = await ledger.get('/v1/accounts?limit=2')
      expect((await ledger.get(`/v1/accounts?cursor=${json.next_cursor}`)).status).toBe(200)
      expect((await ledger.get(`/v1/accounts?cursor=${json.next_cursor}`, 'other-key')).status).toBe(400)
      expect((await ledger.get(`/v1/transfers?cursor=${json.next_cursor}`)).status).toBe(400)
    })
  })

  test('an account that is not there is 404, with a problem of its own', async () => {
    for (const id of ['nobody', '%00', 'a%2Fb', '%F0%9F%98%80']) {
      const { status, json } = await ledger.get(`/v1/accounts/${id}`)
      expect([status, json.code]).toEqual([404, 'account-not-found'])
    }
  })
})
