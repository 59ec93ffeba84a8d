// Any history of accounts, transfers and retries leaves the ledger as a few lines of arithmetic say it must be.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { onEachDatabase } from '../testing/databases.ts'
import { type Answer, balancesOf, sum, type TestLedger, testLedger } from '../testing/ledger.ts'

const ids = ['world', 'a', 'b', 'c', 'd']
const currencies = ['EUR', 'USD']
const amount = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.constantFrom(1, 1_000_000, 1e15))

const command = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('open'),
      id: fc.constantFrom(...ids),
      currency: fc.constantFrom(...currencies),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('transfer'),
      from: fc.constantFrom('world', ...ids),
      to: fc.constantFrom(...ids),
      amount,
      currency: fc.constantFrom('EUR', 'EUR', 'USD'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('retry'), back: fc.nat(50) }) },
)
type Command = Readonly<Record<'kind' | 'id' | 'currency' | 'from' | 'to', string> & Record<'amount' | 'back', number>>

interface Sent {
  readonly path: string
  readonly body: object
  readonly key: string
  readonly answer: Answer
}

/** What a ledger is: accounts with a currency and a balance. */
class Model {
  readonly balances = new Map<string, number>([['world', 0]])
  readonly currencies = new Map<string, string>()

  /** The code of the refusal, or 'done'. */
  apply({ kind, id, currency, from, to, amount }: Command): string {
    if (kind === 'open') {
      if (this.balances.has(id)) return 'account-exists'
      this.balances.set(id, 0)
      this.currencies.set(id, currency)
      return 'done'
    }
    if (from === to) return 'same-account'
    for (const side of [from, to]) {
      if (!this.balances.has(side)) return 'unknown-account'
      if (side !== 'world' && this.currencies.get(side) !== currency) return 'currency-mismatch'
    }
    const left = (this.balances.get(from) ?? 0) - amount
    if (from === 'world' ? left < -Number.MAX_SAFE_INTEGER : left < 0) {
      return from === 'world' ? 'balance-limit' : 'insufficient-funds'
    }
    this.balances.set(from, left)
    this.balances.set(to, (this.balances.get(to) ?? 0) + amount)
    return 'done'
  }
}

async function expectReplay(ledger: TestLedger, { path, body, key, answer }: Sent): Promise<void> {
  const again = await ledger.post(path, body, { key })
  expect([again.status, again.text]).toEqual([answer.status, answer.text])
  expect(again.headers['idempotent-replayed']).toBe('true')
}

async function play(ledger: TestLedger, commands: readonly Command[]): Promise<void> {
  const model = new Model()
  const sent: Sent[] = []
  for (const [at, command] of commands.entries()) {
    if (command.kind === 'retry') {
      const earlier = sent[command.back % Math.max(sent.length, 1)]
      if (earlier !== undefined) await expectReplay(ledger, earlier)
      continue
    }
    const { kind, id, from, to, amount, currency } = command
    const path = kind === 'open' ? '/v1/accounts' : '/v1/transfers'
    const body = kind === 'open' ? { id, owner: 'x', currency } : { from, to, amount, currency }
    const expected = model.apply(command)
    const answer = await ledger.post(path, body, { key: `command-${at}` })
    expect(answer.status === 201 ? 'done' : answer.json.code, JSON.stringify(body)).toBe(expected)
    sent.push({ path, body, key: `command-${at}`, answer })
  }

  const balances = await balancesOf(ledger)
  expect(balances).toEqual(Object.fromEntries(model.balances))
  expect(sum(balances)).toBe(0)
  const { json: world } = await ledger.get('/v1/accounts/world')
  for (const currency of currencies) {
    const held = [...model.currencies].filter(([, of]) => of === currency).map(([id]) => model.balances.get(id) ?? 0)
    expect(held.reduce((total, balance) => total + balance, world.balances[currency] ?? 0)).toBe(0)
  }
  const posted = sent.filter(({ path, answer }) => path === '/v1/transfers' && answer.status === 201)
  const listed = (await ledger.get('/v1/transfers?limit=200')).json.items
  expect(listed).toEqual(posted.map(({ answer }) => answer.json).reverse())
}

await onEachDatabase((make) => {
  test('balances, answers and lists are those of the model', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 10, maxLength: 60, size: 'max' }), async (commands) => {
        const ledger = await testLedger({ make })
        try {
          await play(ledger, commands as unknown as readonly Command[])
        } finally {
          await ledger.close()
        }
      }),
      { numRuns: 15 },
    )
  }, 120_000)
})
