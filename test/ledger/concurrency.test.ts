// Many at once, over real connections: each key's transfer happens once, and nobody is told anything else.

import { Pool } from 'undici'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { onEachDatabase } from '../../apps/ledger/testing/databases.ts'
import { balancesOf, sum, type TestLedger, testLedger } from '../../apps/ledger/testing/ledger.ts'

const CONNECTIONS = 8

await onEachDatabase((make) => {
  let ledger: TestLedger
  let pool: Pool

  beforeAll(async () => {
    ledger = await testLedger({ make })
    await ledger.app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = ledger.app.server.address() as { port: number }
    pool = new Pool(`http://127.0.0.1:${port}`, { connections: CONNECTIONS })
  })
  afterAll(async () => {
    await pool.close()
    await ledger.close()
  })

  interface Answer {
    readonly status: number
    readonly text: string
    readonly headers: Readonly<Record<string, string | string[] | undefined>>
  }

  async function post(path: string, key: string, body: object): Promise<Answer> {
    const {
      statusCode: status,
      headers,
      body: answer,
    } = await pool.request({
      method: 'POST',
      path,
      headers: { authorization: 'Bearer demo-key', 'idempotency-key': key, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status, headers, text: await answer.text() }
  }

  async function openAccount(id: string, amount: number): Promise<void> {
    await post('/v1/accounts', `open-${id}`, { id, owner: id, currency: 'EUR' })
    if (amount > 0) await post('/v1/transfers', `fund-${id}`, { from: 'world', to: id, amount, currency: 'EUR' })
  }

  test('200 times the same request at once: one transfer, one answer', async () => {
    await openAccount('payer', 1000)
    await openAccount('payee', 0)
    const transfers = await ledger.count('transfers')
    const body = { from: 'payer', to: 'payee', amount: 7, currency: 'EUR' }
    const send = (): Promise<Answer> => post('/v1/transfers', 'same', body)

    const answers = await Promise.all(Array.from({ length: 200 }, send))
    const done = answers.filter(({ status }) => status === 201)
    for (const { status, headers, text } of answers.filter((answer) => !done.includes(answer))) {
      expect(status, text).toBe(409)
      expect(JSON.parse(text)).toMatchObject({ code: 'idempotency-in-progress', retryable: true, key_action: 'reuse' })
      expect(headers['retry-after']).toMatch(/^\d+$/)
    }
    expect(done.length).toBeGreaterThan(0)
    expect(new Set(done.map(({ text }) => text)).size).toBe(1)
    expect(done.filter(({ headers }) => headers['idempotent-replayed'] === undefined)).toHaveLength(1)

    const replay = await send()
    expect([replay.status, replay.text]).toEqual([201, done[0]?.text])
    expect(await ledger.count('transfers')).toBe(transfers + 1)
    expect(await balancesOf(ledger)).toMatchObject({ payer: 993, payee: 7 })
  })

  test('1,000 different keys at once: as many transfers, and every cent where it belongs', async () => {
    const people = Array.from({ length: 10 }, (_, at) => `p${at}`)
    for (const id of people) await openAccount(id, 100_000)
    const transfers = await ledger.count('transfers')
    const expected: Record<string, number> = Object.fromEntries(people.map((id) => [id, 100_000]))
    const orders = Array.from({ length: 1000 }, (_, at) => {
      const from = people[at % 10] as string
      const to =
        people[(at * 7 + 3) % 10] === from ? (people[(at + 1) % 10] as string) : (people[(at * 7 + 3) % 10] as string)
      const amount = 1 + ((at * 31) % 97)
      expected[from] = (expected[from] ?? 0) - amount
      expected[to] = (expected[to] ?? 0) + amount
      return { from, to, amount, currency: 'EUR', reference: `order ${at}` }
    })

    const answers = await Promise.all(orders.map((order, at) => post('/v1/transfers', `order-${at}`, order)))
    expect(answers.filter(({ status }) => status !== 201)).toEqual([])
    expect(new Set(answers.map(({ text }) => (JSON.parse(text) as { id: string }).id)).size).toBe(1000)
    expect(await ledger.count('transfers')).toBe(transfers + 1000)
    const balances = await balancesOf(ledger)
    expect(balances).toMatchObject(expected)
    expect(sum(balances)).toBe(0)
  })

  // Whoever locks accounts one by one, in the order of paying and being paid, waits for somebody who waits for him.
  test('300 back and forth between the same two accounts: none stands in the way of another', async () => {
    await openAccount('here', 1000)
    await openAccount('there', 1000)
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, at) => {
        const [from, to] = at % 2 === 0 ? ['here', 'there'] : ['there', 'here']
        return post('/v1/transfers', `swap-${at}`, { from, to, amount: 1, currency: 'EUR' })
      }),
    )
    expect(answers.filter(({ status }) => status !== 201)).toEqual([])
    expect(await balancesOf(ledger)).toMatchObject({ here: 1000, there: 1000 })
  })

  test('300 that want the last coins: exactly those get them that there are coins for', async () => {
    await openAccount('rich', 100)
    await openAccount('shop', 0)
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, at) =>
        post('/v1/transfers', `coin-${at}`, { from: 'rich', to: 'shop', amount: 3, currency: 'EUR' }),
      ),
    )
    const codes = answers.map(({ status, text }) =>
      status === 201 ? 'posted' : (JSON.parse(text) as { code: string }).code,
    )
    expect(codes.filter((code) => code === 'posted')).toHaveLength(33)
    expect(codes.filter((code) => code === 'insufficient-funds')).toHaveLength(267)
    expect(await balancesOf(ledger)).toMatchObject({ rich: 1, shop: 99 })
  })
})
