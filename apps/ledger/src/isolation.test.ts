// Every principal has a ledger, and a namespace of keys, to itself.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { onEachDatabase } from '../testing/databases.ts'
import { balancesOf, fundedLedger, type TestLedger } from '../testing/ledger.ts'

await onEachDatabase((make) => {
  let ledger: TestLedger

  beforeEach(async () => {
    ledger = await fundedLedger({ make })
  })
  afterEach(() => ledger.close())

  const mine = 'demo-key'
  const theirs = 'other-key'
  const transfer = { from: 'alice', to: 'bob', amount: 5, currency: 'EUR' }

  test('an account of one ledger is not in another, and its id is free there', async () => {
    expect((await ledger.get('/v1/accounts/alice', theirs)).status).toBe(404)
    const opened = await ledger.post('/v1/accounts', { id: 'alice', owner: 'theirs', currency: 'USD' }, { as: theirs })
    expect(opened.status).toBe(201)
    expect((await ledger.get('/v1/accounts/alice', mine)).json.owner).toBe('alice')
  })

  test('money can’t be moved from, to or between accounts of another ledger', async () => {
    const refused = await ledger.post('/v1/transfers', transfer, { as: theirs })
    expect(refused.json.code).toBe('unknown-account')
    await ledger.post('/v1/accounts', { id: 'bob', owner: 'theirs', currency: 'EUR' }, { as: theirs })
    expect((await ledger.post('/v1/transfers', transfer, { as: theirs })).json.code).toBe('unknown-account')
    expect(await balancesOf(ledger, mine)).toEqual({ world: -100_00, alice: 100_00, bob: 0 })
    expect(await balancesOf(ledger, theirs)).toEqual({ world: 0, bob: 0 })
  })

  test('a transfer of one ledger is not in another', async () => {
    const { json } = await ledger.post('/v1/transfers', transfer)
    expect((await ledger.get(`/v1/transfers/${json.id}`, theirs)).status).toBe(404)
    expect((await ledger.get('/v1/transfers', theirs)).json.items).toEqual([])
  })

  test('the same key of two principals names two operations', async () => {
    for (const id of ['alice', 'bob']) {
      await ledger.post('/v1/accounts', { id, owner: id, currency: 'EUR' }, { as: theirs })
    }
    await ledger.post('/v1/transfers', { from: 'world', to: 'alice', amount: 7, currency: 'EUR' }, { as: theirs })
    const first = await ledger.post('/v1/transfers', transfer, { key: 'k', as: mine })
    const second = await ledger.post('/v1/transfers', transfer, { key: 'k', as: theirs })
    expect([first.status, second.status]).toEqual([201, 201])
    expect(second.headers['idempotent-replayed']).toBeUndefined()
    expect(second.json.id).not.toBe(first.json.id)
    expect(await balancesOf(ledger, theirs)).toEqual({ world: -7, alice: 2, bob: 5 })
  })

  test('whoever is not known gets nowhere, and leaves nothing behind', async () => {
    await ledger.post('/v1/transfers', transfer, { key: 'k' })
    const records = await ledger.count('reprise_records')
    for (const as of [null, 'demo', 'demo-key ', 'DEMO-KEY']) {
      for (const [method, path, body] of [
        ['GET', '/v1/accounts', undefined],
        ['GET', '/v1/accounts/alice', undefined],
        ['GET', '/v1/transfers', undefined],
        ['POST', '/v1/transfers', transfer],
        ['POST', '/v1/accounts', '{not even json'],
      ] as const) {
        const answer = await ledger.ask(method, path, {
          as: as?.trimEnd() === 'demo-key' ? 'x demo-key' : as,
          key: 'k',
          body,
        })
        expect([answer.status, answer.json.code]).toEqual([401, 'unauthenticated'])
        expect(answer.headers['www-authenticate']).toBe('Bearer')
        expect(answer.headers['idempotent-replayed']).toBeUndefined()
      }
    }
    expect(await ledger.count('reprise_records')).toBe(records)
    expect(await ledger.count('transfers')).toBe(2)
  })
})
