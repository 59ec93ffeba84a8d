/**
 * Kills a ledger in the middle of its work, again and again, and checks what is left.
 *
 * Fault model: the process dies between any two instructions (SIGKILL) while requests are on their way, being worked on
 * or being answered; the file survives. Connections break at any moment, so answers get lost too. Clients keep their
 * keys and send again until they are answered.
 *
 * The laws, for every key ever sent:
 * 1. all its answers are equal, byte for byte, before and after any number of kills;
 * 2. it has exactly one transfer if that answer is 201, and none if it is a refusal;
 * 3. the balances are exactly what the answered transfers add up to.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'undici'
import { type ServingLedger, startLedger } from '../../apps/ledger/testing/process.ts'
import { pick, randomFrom } from './random.ts'

export interface KillReport {
  readonly rounds: number
  readonly keys: number
  /** Keys whose requests were cut off, by the kill or by a broken connection. */
  readonly unanswered: number
  /** Of those, how many had happened all the same: their answer came as a replay. */
  readonly happenedUnseen: number
  readonly posted: number
  readonly refused: number
}

const CONNECTIONS = 8
const ACCOUNTS = ['a', 'b', 'c', 'd', 'e']
const FUNDS = 10_000
const KILL_AFTER_MS_MAX = 250
const BREAK_AFTER_MS_MAX = 8
const ATTEMPTS_MAX = 200

interface Order {
  readonly key: string
  readonly body: string
}

interface Answer {
  readonly status: number
  readonly text: string
  readonly replayed: boolean
}

export async function killRounds(
  options: { readonly rounds: number; readonly seed: number },
  tell: (line: string) => void = () => undefined,
): Promise<KillReport> {
  const folder = await mkdtemp(join(tmpdir(), 'ledger-kill-'))
  const environment = { LEDGER_DB: join(folder, 'ledger.db'), LOG_LEVEL: 'silent' }
  const random = randomFrom(options.seed)
  const answers = new Map<string, Answer>()
  const report = { rounds: 0, keys: 0, unanswered: 0, happenedUnseen: 0, posted: 0, refused: 0 }
  let ledger: ServingLedger | undefined
  try {
    for (; report.rounds < options.rounds; report.rounds++) {
      ledger = await startLedger(environment)
      if (report.rounds === 0) await openAccounts(ledger, answers)
      const unanswered = await loadUntilKilled(ledger, answers, random, `r${report.rounds}`)

      ledger = await startLedger(environment)
      const unseen = await answerAll(ledger, unanswered, answers)
      await checkLaws(ledger, answers)
      await ledger.kill('SIGKILL')
      report.unanswered += unanswered.length
      report.happenedUnseen += unseen
      tell(
        `round ${report.rounds + 1}: ${answers.size} keys, ${unanswered.length} cut off, of which ${unseen} had happened`,
      )
    }
    report.keys = answers.size
    report.posted = [...answers.values()].filter(({ status }) => status === 201).length
    report.refused = report.keys - report.posted
    return report
  } finally {
    await ledger?.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
}

async function openAccounts(ledger: ServingLedger, answers: Map<string, Answer>): Promise<void> {
  const pool = poolOf(ledger)
  for (const id of ACCOUNTS) {
    const account = { key: `open-${id}`, body: JSON.stringify({ id, owner: id, currency: 'EUR' }) }
    assert.equal((await send(pool, '/v1/accounts', account)).status, 201)
    const body = JSON.stringify({ from: 'world', to: id, amount: FUNDS, currency: 'EUR', reference: `fund-${id}` })
    note(answers, `fund-${id}`, await send(pool, '/v1/transfers', { key: `fund-${id}`, body }))
  }
  await pool.close()
}

/** Keeps every connection busy until the process is gone. Returns the orders that got no answer. */
async function loadUntilKilled(
  ledger: ServingLedger,
  answers: Map<string, Answer>,
  random: () => number,
  round: string,
): Promise<Order[]> {
  const pool = poolOf(ledger)
  const unanswered = new Map<string, Order>()
  let made = 0
  const work = async (): Promise<void> => {
    for (;;) {
      const order = orderOf(`${round}-${made++}`, random)
      // Now and then two at once under one key, so that kills also meet duplicates.
      const copies = random() < 0.2 ? 2 : 1
      // A kill alone seldom falls between a commit and its answer. A broken connection often does.
      const breaks = random() < 0.2 ? AbortSignal.timeout(Math.ceil(random() * BREAK_AFTER_MS_MAX)) : undefined
      unanswered.set(order.key, order)
      try {
        const sent = Array.from({ length: copies }, () => send(pool, '/v1/transfers', order, breaks))
        const final = (await Promise.all(sent)).filter(isFinal)
        for (const answer of final) note(answers, order.key, answer)
        if (final.length > 0) unanswered.delete(order.key)
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error
        if (breaks?.aborted !== true) return
      }
    }
  }
  const workers = Array.from({ length: CONNECTIONS }, work)
  await new Promise((resolve) => setTimeout(resolve, random() * KILL_AFTER_MS_MAX))
  await ledger.kill('SIGKILL')
  await Promise.all(workers)
  await pool.destroy()
  return [...unanswered.values()]
}

/** Sends again what got no answer, with the same key, until it gets one. Returns how many were replays. */
async function answerAll(
  ledger: ServingLedger,
  orders: readonly Order[],
  answers: Map<string, Answer>,
): Promise<number> {
  const pool = poolOf(ledger)
  let replays = 0
  await Promise.all(
    orders.map(async (order) => {
      for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
        const answer = await send(pool, '/v1/transfers', order)
        if (!isFinal(answer)) continue
        note(answers, order.key, answer)
        if (answer.replayed) replays++
        return
      }
      assert.fail(`${order.key} was not answered in ${ATTEMPTS_MAX} attempts`)
    }),
  )
  await pool.close()
  return replays
}

async function checkLaws(ledger: ServingLedger, answers: Map<string, Answer>): Promise<void> {
  const transfers = await readAll(ledger, '/v1/transfers')
  const byKey = new Map<unknown, unknown>()
  const balances: Record<string, number> = { world: 0 }
  for (const transfer of transfers) {
    // The reference of each transfer is the key that asked for it.
    assert.ok(!byKey.has(transfer.reference), `two transfers of ${transfer.reference}`)
    byKey.set(transfer.reference, transfer)
    balances[transfer.from] = (balances[transfer.from] ?? 0) - transfer.amount
    balances[transfer.to] = (balances[transfer.to] ?? 0) + transfer.amount
  }
  for (const [key, { status, text }] of answers) {
    assert.deepEqual(byKey.get(key), status === 201 ? JSON.parse(text) : undefined, `the transfer of ${key}`)
    byKey.delete(key)
  }
  assert.deepEqual([...byKey.keys()], [], 'transfers that nobody was told of')

  const accounts = await readAll(ledger, '/v1/accounts')
  assert.deepEqual(Object.fromEntries(accounts.map(({ id, balance }) => [id, balance])), balances)
  assert.equal(
    accounts.reduce((total, { balance }) => total + balance, 0),
    0,
  )
}

interface Item {
  readonly id: string
  readonly balance: number
  readonly from: string
  readonly to: string
  readonly amount: number
  readonly reference: string
}

async function readAll(ledger: ServingLedger, path: string): Promise<Item[]> {
  const items: Item[] = []
  for (let cursor = ''; ; ) {
    const response = await fetch(`${ledger.url}${path}?limit=200${cursor}`, {
      headers: { authorization: 'Bearer demo-key' },
    })
    const page = (await response.json()) as { items: Item[]; next_cursor: string | null }
    items.push(...page.items)
    if (page.next_cursor === null) return items
    cursor = `&cursor=${page.next_cursor}`
  }
}

/** One in ten asks for more than anybody has: refusals have to survive kills too. */
function orderOf(key: string, random: () => number): Order {
  const from = pick(ACCOUNTS, random)
  const to = pick(
    ACCOUNTS.filter((id) => id !== from),
    random,
  )
  const amount = random() < 0.1 ? FUNDS * 100 : 1 + Math.floor(random() * 50)
  return { key, body: JSON.stringify({ from, to, amount, currency: 'EUR', reference: key }) }
}

async function send(pool: Pool, path: string, { key, body }: Order, signal?: AbortSignal): Promise<Answer> {
  const {
    statusCode,
    headers,
    body: answer,
  } = await pool.request({
    method: 'POST',
    path,
    headers: { authorization: 'Bearer demo-key', 'idempotency-key': key, 'content-type': 'application/json' },
    body,
    signal: signal ?? null,
  })
  return { status: statusCode, text: await answer.text(), replayed: headers['idempotent-replayed'] === 'true' }
}

/** In progress, or not available: to be sent again. */
function isFinal({ status, text }: Answer): boolean {
  if (status === 201 || status === 422) return true
  assert.ok(status === 409 || status === 503, `${status}: ${text}`)
  return false
}

function note(answers: Map<string, Answer>, key: string, answer: Answer): void {
  const earlier = answers.get(key)
  if (earlier === undefined) answers.set(key, answer)
  else assert.deepEqual([answer.status, answer.text], [earlier.status, earlier.text], `the answers to ${key}`)
}

function poolOf({ url }: ServingLedger): Pool {
  return new Pool(url, { connections: CONNECTIONS })
}
