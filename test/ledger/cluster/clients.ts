/**
 * Clients that do not know what became of their requests, and keep their keys: several copies of each request go to
 * several processes, some are cut off, and whatever got no answer is sent again. Everything that is answered is noted and
 * compared.
 */
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { pick } from '../random.ts'
import type { Events } from './events.ts'
import type { Fleet } from './fleet.ts'

export const ACCOUNTS: readonly string[] = ['a', 'b', 'c', 'd', 'e']
/** So little that some transfers are refused, and which of them depends on who comes first. */
export const FUNDS = 120
const AMOUNT_MAX = 60

/** One key, and all that is known of it. */
export interface Operation {
  readonly key: string
  readonly body: object
  /** The final answer, once there is one: status, stored headers and body. */
  answer: Final | undefined
  /** The address of the process that did the work and lived to say so. */
  madeBy: string | undefined
  /** Addresses that were asked, and gave no answer. */
  readonly silent: string[]
}

interface Final {
  readonly status: number
  readonly headers: readonly (string | undefined)[]
  readonly text: string
}

const WORKERS = 10
const COPIES_MAX = 4
const APART_MS_MAX = 12
const CUT_SHARE = 0.25
/** Longer than a process waits for a connection to the database, so that most silence is that of the dead. */
const PATIENCE_MS = 8000

/** Headers that belong to the outcome: the same in every answer. */
const OUTCOME_HEADERS = ['content-type', 'location', 'idempotency-key', 'idempotency-expires']

export class Clients {
  readonly operations: Operation[] = []
  readonly #fleet: Fleet
  readonly #random: () => number
  readonly #events: Events
  readonly #agent = new Agent({ connections: 24, pipelining: 1 })
  #requests = 0
  #underWay = 0
  /** How long a transfer takes. */
  #usualMs = 30
  #cut = new AbortController()

  constructor(fleet: Fleet, random: () => number, events: Events) {
    this.#fleet = fleet
    this.#random = random
    this.#events = events
  }

  get requests(): number {
    return this.#requests
  }

  get underWay(): number {
    return this.#underWay
  }

  /** Opens the accounts and fills them. */
  async prepare(): Promise<void> {
    for (const id of ACCOUNTS) {
      const opened = await this.#post(pick(this.#fleet.addresses(), this.#random), '/v1/accounts', `open-${id}`, {
        id,
        owner: id,
        currency: 'EUR',
      })
      assert.equal(opened.status, 201, opened.text)
      await this.#settle(this.#newOperation(`fund-${id}`, { from: 'world', to: id, amount: FUNDS }))
    }
  }

  /** Keeps sending until it is told to stop. */
  async load(round: number, goOn: () => boolean): Promise<void> {
    let made = 0
    const work = async (): Promise<void> => {
      while (goOn()) {
        const chance = this.#random()
        const answered = chance < 0.15 ? pick(this.operations, this.#random) : undefined
        if (answered?.answer !== undefined) {
          await (chance < 0.03 ? this.#reuseKey(answered) : this.#send(answered))
        } else {
          await this.#sendCopies(this.#newOperation(`r${round}-${made++}`, this.#order()))
        }
      }
    }
    await Promise.all(Array.from({ length: WORKERS }, work))
  }

  /** Sends again what has no answer, until it has one. */
  async settle(operations: readonly Operation[]): Promise<void> {
    const open = operations.filter(({ answer }) => answer === undefined)
    await inTurns(open, (operation) => this.#settle(operation))
    for (const { answer, madeBy } of operations) {
      // Nobody ever heard it from the process that did it.
      if (answer?.status === 201 && madeBy === undefined) {
        this.#events.note('answer lost after the transfer was made, told by a replay')
      }
    }
  }

  /** Asks every process for the answer to each of these: they all have to say the same. */
  async askEverywhere(operations: readonly Operation[]): Promise<void> {
    for (const address of this.#fleet.addresses()) {
      await inTurns(operations, async (operation) => {
        const again = await this.#settle(operation, address)
        assert.equal(again, true, `${operation.key} is not known to ${address}`)
      })
    }
  }

  /** Cuts everything that is under way between clients and processes. */
  cut(): void {
    this.#cut.abort()
    this.#cut = new AbortController()
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  #newOperation(key: string, order: { from: string; to: string; amount: number }): Operation {
    // The reference of each transfer is the key that asked for it.
    const body = { ...order, currency: 'EUR', reference: key }
    const operation = { key, body, answer: undefined, madeBy: undefined, silent: [] }
    this.operations.push(operation)
    return operation
  }

  #order(): { from: string; to: string; amount: number } {
    const from = pick(ACCOUNTS, this.#random)
    const to = pick(
      ACCOUNTS.filter((id) => id !== from),
      this.#random,
    )
    return { from, to, amount: 1 + Math.floor(this.#random() * AMOUNT_MAX) }
  }

  /** Some copies, almost at once, each to a process of its own; some are cut off before they are answered. */
  async #sendCopies(operation: Operation): Promise<void> {
    const copies = this.#random() < 0.4 ? 1 : 2 + Math.floor(this.#random() * (COPIES_MAX - 1))
    const sent = Array.from({ length: copies }, async (_, copy) => {
      if (copy > 0) await pause(this.#random() * APART_MS_MAX)
      // About when the answer is due: some cuts come before the transfer is made, some after, some too late.
      const cutAfterMs = this.#random() < CUT_SHARE ? 1 + this.#random() * 1.5 * this.#usualMs : undefined
      return this.#send(operation, { cutAfterMs })
    })
    await Promise.all(sent)
    // Impatient clients send again at once, the others when all is calm.
    if (operation.answer === undefined && this.#random() < 0.5) await this.#send(operation)
  }

  async #settle(operation: Operation, address?: string): Promise<boolean> {
    for (let attempt = 0; attempt < 600; attempt++) {
      if (await this.#send(operation, { address })) return true
      await pause(20 + this.#random() * 80)
    }
    return assert.fail(`${operation.key} was never answered`)
  }

  /** Sends it once. True when it was answered for good. */
  async #send(
    operation: Operation,
    { address, cutAfterMs }: { address?: string | undefined; cutAfterMs?: number | undefined } = {},
  ): Promise<boolean> {
    const to = address ?? pick(this.#fleet.addresses(), this.#random)
    if (to === undefined) {
      await pause(20)
      return false
    }
    const before = operation.silent.length
    const startedMs = performance.now()
    let answer: Answer
    try {
      answer = await this.#post(to, '/v1/transfers', operation.key, operation.body, cutAfterMs)
    } catch {
      operation.silent.push(to)
      this.#events.note(cutAfterMs === undefined ? 'no answer' : 'request cut by its client')
      return false
    }
    if (!this.#isFinal(answer)) return false
    if (cutAfterMs === undefined && address === undefined) {
      this.#usualMs += (performance.now() - startedMs - this.#usualMs) / 20
    }
    this.#noteFinal(operation, answer, to, before)
    return true
  }

  #noteFinal(operation: Operation, answer: Answer, from: string, silentBefore: number): void {
    const { key } = operation
    const final: Final = {
      status: answer.status,
      headers: OUTCOME_HEADERS.map((name) => answer.headers[name] as string | undefined),
      text: answer.text,
    }
    operation.answer ??= final
    assert.deepEqual(final, operation.answer, `the answers to ${key}`)
    if (answer.headers['idempotent-replayed'] === 'true') {
      if (operation.madeBy !== undefined && operation.madeBy !== from) {
        this.#events.note('replayed by another process than the one that did it')
      }
      return
    }
    assert.equal(operation.madeBy, undefined, `${key} was done twice: by ${operation.madeBy} and by ${from}`)
    operation.madeBy = from
    if (operation.silent.slice(0, silentBefore).some((address) => address !== from)) {
      this.#events.note('attempt lost, made by another process')
    }
  }

  #isFinal({ status, text }: Answer): boolean {
    if (status === 201) return true
    const { code, outcome } = JSON.parse(text) as { code: string; outcome: string }
    if (status === 422 && code === 'insufficient-funds') {
      this.#events.note('refused for want of money')
      return true
    }
    if (status === 409 && code === 'idempotency-in-progress') this.#events.note('told that another is running')
    else if (status === 503 && outcome === 'unknown') this.#events.note('told that the outcome is not known')
    else if (status === 503) this.#events.note('told that the database is away')
    else assert.fail(`an answer that nobody should get: ${status} ${text}`)
    return false
  }

  /** The same key for another body: never done, and never taken for the first. */
  async #reuseKey({ key, body }: Operation): Promise<void> {
    const to = pick(this.#fleet.addresses(), this.#random)
    if (to === undefined) return
    let answer: Answer
    try {
      answer = await this.#post(to, '/v1/transfers', key, { ...body, amount: 1_000_000 })
    } catch {
      return
    }
    if (answer.status === 503) return
    const { code } = JSON.parse(answer.text) as { code?: string }
    assert.deepEqual([answer.status, code], [422, 'idempotency-key-reused'], `another request under ${key}`)
    this.#events.note('told that the key belongs to another request')
  }

  async #post(to: string, path: string, key: string, body: object, cutAfterMs = PATIENCE_MS): Promise<Answer> {
    this.#requests++
    this.#underWay++
    try {
      const answer = await request(`${to}${path}`, {
        dispatcher: this.#agent,
        method: 'POST',
        headers: { authorization: 'Bearer demo-key', 'idempotency-key': key, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.any([AbortSignal.timeout(cutAfterMs), this.#cut.signal]),
      })
      return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
    } finally {
      this.#underWay--
    }
  }
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** Some at a time, so that a queue is not taken for silence. */
async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) await work(items[at] as T)
  }
  await Promise.all(Array.from({ length: WORKERS }, worker))
}
