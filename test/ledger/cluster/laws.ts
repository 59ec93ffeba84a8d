/** What must be true of the database when all is calm, asked beside the ledger: by SQL, and without its code. */
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { ACCOUNTS, type Operation } from './clients.ts'

export class Laws {
  readonly #pool: pg.Pool

  constructor(url: string) {
    this.#pool = new pg.Pool({ connectionString: url, max: 2 })
    // The server is killed under it, too.
    this.#pool.on('error', () => undefined)
  }

  /** Every operation given has its answer. */
  async check(operations: readonly Operation[]): Promise<void> {
    await this.#checkTransfers(operations)
    await this.#checkBalances()
    await this.#checkNothingRuns(operations.length + ACCOUNTS.length)
  }

  /** Resolves once no process has a connection any more. */
  async checkNobodyStays(): Promise<void> {
    await this.#eventually(
      "select pid, state, query from pg_stat_activity where application_name = 'ledger'",
      'connections of processes that have ended',
    )
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }

  /** One transfer per key that was answered 201, and exactly as it was answered; none for any other. */
  async #checkTransfers(operations: readonly Operation[]): Promise<void> {
    const byKey = new Map<unknown, Row>()
    for (const row of await this.#ask('select * from transfers')) {
      assert.ok(!byKey.has(row.reference), `two transfers of ${String(row.reference)}`)
      byKey.set(row.reference, row)
    }
    for (const { key, answer } of operations) {
      const row = byKey.get(key)
      byKey.delete(key)
      if (answer?.status !== 201) {
        assert.equal(row, undefined, `a transfer of ${key}, which was refused`)
        continue
      }
      const { id, from, to, amount } = JSON.parse(answer.text) as Record<string, unknown>
      const stored = { id: row?.id, from: row?.from_account, to: row?.to_account, amount: Number(row?.amount) }
      assert.deepEqual(stored, { id, from, to, amount }, `the transfer of ${key}`)
    }
    assert.deepEqual([...byKey.keys()], [], 'transfers that nobody was told of')
  }

  /** The balances are what the transfers add up to, and they add up to nothing. */
  async #checkBalances(): Promise<void> {
    const moved = await this.#ask(
      'select a.id, a.balance as held, coalesce(sum(case t.to_account when a.id then t.amount else -t.amount end), 0) ' +
        'as moved from accounts a left join transfers t on t.principal = a.principal and a.id in ' +
        "(t.from_account, t.to_account) where a.principal = 'demo' group by a.id, a.balance",
    )
    assert.equal(moved.length, ACCOUNTS.length + 1)
    for (const { id, held, moved: sum } of moved)
      assert.equal(Number(held), Number(sum), `the balance of ${String(id)}`)
    const [total] = await this.#ask('select sum(balance) as total from accounts')
    assert.equal(Number(total?.total), 0, 'all balances together')
    const [world] = await this.#ask(
      "select (select balance from accounts where principal = 'demo' and id = 'world') as held, sum(balance) as noted " +
        "from world_balances where principal = 'demo'",
    )
    assert.equal(world?.held, world?.noted, 'what the world holds, and of which currency')
  }

  /** A completed record per key, and nothing else: no open transaction, no lock. */
  async #checkNothingRuns(records: number): Promise<void> {
    // What is completed is due to be forgotten some day; what is open is not.
    const [found] = await this.#ask('select count(*) as all, count(due_at) as completed from reprise_records')
    assert.deepEqual(found, { all: String(records), completed: String(records) }, 'records')
    await this.#eventually(
      "select pid, state, query from pg_stat_activity where application_name = 'ledger' and xact_start is not null",
      'transactions that stay open',
    )
    await this.#eventually(
      "select pid, mode from pg_locks where locktype = 'advisory' and database = " +
        '(select oid from pg_database where datname = current_database())',
      'locks that stay',
    )
  }

  /** What a client has given up may take a moment to end; it may not stay. */
  async #eventually(nothing: string, what: string): Promise<void> {
    for (let waited = 0; ; waited++) {
      const rows = await this.#ask(nothing)
      if (rows.length === 0) return
      assert.ok(waited < 300, `${what}: ${JSON.stringify(rows)}`)
      await pause(50)
    }
  }

  async #ask(sql: string): Promise<Row[]> {
    return (await this.#pool.query(sql)).rows
  }
}

type Row = Readonly<Record<string, unknown>>
