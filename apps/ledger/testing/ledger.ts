/** A ledger in this process, on a database of its own. */
import type { ApiKey } from '../src/config.ts'
import { buildServer, type Ledger, type LedgerParts } from '../src/server.ts'
import { type FreshDatabase, freshFile, type MakeDatabase } from './databases.ts'
import { assertDocumented } from './documented.ts'

export interface Asked {
  /** The idempotency key; none is sent where it is undefined. */
  readonly key?: string | undefined
  /** Whose ledger: the API key. `null` sends none. */
  readonly as?: string | null
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests say what they expect in it.
  readonly json: any
}

export interface TestLedger extends Ledger {
  readonly database: FreshDatabase
  /** Every answer is held against the OpenAPI document. */
  ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH', path: string, asked?: Asked): Promise<Answer>
  get(path: string, as?: string): Promise<Answer>
  /** A POST with a key that no other call has, unless one is given. */
  post(path: string, body: unknown, asked?: Omit<Asked, 'body'>): Promise<Answer>
  /** Rows of a table, read beside the service. */
  count(table: 'accounts' | 'transfers' | 'reprise_records'): Promise<number>
  close(): Promise<void>
}

export const keys: readonly ApiKey[] = [
  { principal: 'demo', key: 'demo-key' },
  { principal: 'demo', key: 'demo-key-2' },
  { principal: 'other', key: 'other-key' },
]

let made = 0

export interface TestParts extends Omit<LedgerParts, 'config'> {
  /** A SQLite file unless told. */
  readonly make?: MakeDatabase
}

export async function testLedger({ make = freshFile, ...parts }: TestParts = {}): Promise<TestLedger> {
  const database = await make()
  const ledger = await buildServer({ config: { database: database.place, keys, logLevel: 'silent' }, ...parts })

  const ask: TestLedger['ask'] = async (method, path, asked = {}) => {
    const { key, as = 'demo-key', body, headers } = asked
    const response = await ledger.app.inject({
      method,
      url: path,
      headers: {
        ...(as === null ? {} : { authorization: `Bearer ${as}` }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const { statusCode: status, body: text } = response
    assertDocumented({ method, path, status, headers: response.headers, body: text })
    return { status, headers: response.headers, text, json: JSON.parse(text) }
  }

  return {
    ...ledger,
    database,
    ask,
    get: (path, as = 'demo-key') => ask('GET', path, { as }),
    post: (path, body, asked = {}) => ask('POST', path, { key: `test-${made++}`, ...asked, body }),
    count: async (table) => Number((await database.ask(`select count(*) as n from ${table}`))[0]?.n),
    close: async () => {
      await ledger.app.close()
      await database.remove()
    },
  }
}

/** A ledger with two accounts in EUR, `alice` with 100.00 and `bob` with nothing. */
export async function fundedLedger(parts: TestParts = {}): Promise<TestLedger> {
  const ledger = await testLedger(parts)
  for (const id of ['alice', 'bob']) await ledger.post('/v1/accounts', { id, owner: id, currency: 'EUR' })
  await ledger.post('/v1/transfers', { from: 'world', to: 'alice', amount: 100_00, currency: 'EUR' })
  return ledger
}

/** All accounts by id, over all pages. */
export async function balancesOf(ledger: TestLedger, as = 'demo-key'): Promise<Record<string, number>> {
  const balances: Record<string, number> = {}
  let cursor = ''
  do {
    const { json } = await ledger.get(`/v1/accounts?limit=200${cursor}`, as)
    for (const { id, balance } of json.items) balances[id] = balance
    cursor = json.next_cursor === null ? '' : `&cursor=${json.next_cursor}`
  } while (cursor !== '')
  return balances
}

export function sum(balances: Readonly<Record<string, number>>): number {
  return Object.values(balances).reduce((total, balance) => total + balance, 0)
}
