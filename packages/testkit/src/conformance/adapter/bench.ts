/** What each check of the adapter suite is given: servers to mount, and what happened behind them. */

import assert from 'node:assert/strict'
import { createReprise, type HttpRequest, type RouteOptions } from 'reprise'
import { TestClock } from '../../clock/test-clock.ts'
import { soon } from '../patience.ts'
import type { OpenedStore, OpenStore } from '../subject.ts'
import { type Exchange, type Received, type Sent, start } from './client.ts'
import type { Call, Ending, Mount, Mounted, Site, Style } from './site.ts'

export type Setting = Partial<Pick<Site, 'compression' | 'parsing' | 'protection'>> & {
  readonly options?: Partial<RouteOptions>
}

/** What the handler does in a check. `calls` counts from 1. */
export type Act = (call: Call, calls: number) => Ending | Promise<Ending>

/** A mounted server, seen from both sides. */
export interface World {
  /** How often the handler has been called. */
  readonly calls: number
  /** How many of its effects are committed. */
  effects(): Promise<number>
  /** Sends a request: POST of an order to the first prefix, unless told. */
  send(sent?: Sent): Promise<Received>
  start(sent?: Sent): Exchange
}

export interface Bench {
  readonly style: Style
  /** Mounts a server whose handler performs its effect and answers as told. */
  serve(answer: Ending | Act, setting?: Setting): Promise<World>
}

export type Check = (bench: Bench) => Promise<void>

/** Checks of one idea, for those styles that can do it; all unless told. */
export interface Theme {
  readonly name: string
  readonly styles?: readonly Style[]
  readonly checks: Readonly<Record<string, Check>>
}

export const prefixes: readonly string[] = ['/v1', '/v2']
export const order: Readonly<Record<string, unknown>> = { sku: 'A-1', quantity: 2 }
export const created: Ending = { kind: 'json', status: 201, value: { id: 'order-1' } }

let keys = 0

/** A key that no other request has. */
export function freshKey(): string {
  keys++
  return `key-${process.pid}-${keys}`
}

/** Runs one check on a store of its own, and closes everything that it has opened. */
export async function runCheck<Tx>(check: Check, style: Style, mount: Mount, open: OpenStore<Tx>): Promise<void> {
  const clock = new TestClock()
  const opened = await open({ clock })
  const mounted: Mounted[] = []
  const bench: Bench = {
    style,
    serve: async (answer, setting = {}) => {
      const world = new Behind(opened, clock, answer)
      const server = await mount(world.site(style, setting))
      mounted.push(server)
      world.url = server.url
      return world
    },
  }
  try {
    await check(bench)
  } finally {
    await Promise.all(mounted.map((server) => soon('the server closes', server.close())))
    await opened.dispose()
  }
}

class Behind<Tx> implements World {
  url = ''
  calls = 0
  readonly #opened: OpenedStore<Tx>
  readonly #clock: TestClock
  readonly #answer: Ending | Act

  constructor(opened: OpenedStore<Tx>, clock: TestClock, answer: Ending | Act) {
    this.#opened = opened
    this.#clock = clock
    this.#answer = answer
  }

  site(style: Style, { options, ...setting }: Setting): Site {
    const reprise = createReprise({
      store: this.#opened.store,
      clock: this.#clock,
      principal: (request: HttpRequest) => request.headers.get('x-principal') ?? 'alice',
    })
    return {
      style,
      prefixes,
      reprise: reprise as Site['reprise'],
      options: { name: 'order.create', guarantee: 'transactional', ...options },
      compression: 'none',
      parsing: 'after',
      protection: 'once',
      ...setting,
      handle: (call) => this.#handle(call),
    }
  }

  async effects(): Promise<number> {
    let committed = 0
    for (let n = 1; n <= this.calls; n++)
      if ((await this.#opened.effects?.committed(`effect-${n}`)) === 'done') committed++
    return committed
  }

  start({ path = '/v1/orders', body = order, ...sent }: Sent = {}): Exchange {
    const method = sent.method ?? 'POST'
    return start(this.url, { ...sent, path, ...(method === 'GET' || method === 'HEAD' ? {} : { body }) })
  }

  send(sent?: Sent): Promise<Received> {
    return soon('the answer', this.start(sent).answer)
  }

  async #handle(call: Call): Promise<Ending> {
    this.calls++
    const { calls } = this
    // In the transaction, so that it stands or falls with the outcome.
    if (call.attempt !== undefined) await this.#opened.effects?.set(call.attempt.tx as Tx, `effect-${calls}`, 'done')
    return typeof this.#answer === 'function' ? this.#answer(call, calls) : this.#answer
  }
}

/**
 * What every answer to an operation has, besides status and body. Other headers belong to one answer, or, like
 * Content-Length, to its transfer.
 */
const ofTheOutcome = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-location',
  'content-type',
  'etag',
  'idempotency-expires',
  'idempotency-key',
  'last-modified',
  'link',
  'location',
  'x-around',
])

/** The second answer is the first one again: status, body, and every header that is the outcome's. */
export function assertReplay(first: Received, again: Received): void {
  assert.equal(again.header('idempotent-replayed'), 'true', again.content.toString().slice(0, 500))
  assert.equal(first.header('idempotent-replayed'), undefined)
  assert.equal(again.status, first.status)
  assert.ok(again.body.equals(first.body), 'the bytes of the body')
  assert.deepEqual(outcomeLines(again), outcomeLines(first))
}

function outcomeLines({ lines }: Received): string[] {
  const lower = lines.map(([name, value]) => [name.toLowerCase(), value] as const)
  return lower
    .filter(([name]) => ofTheOutcome.has(name))
    .map(([name, value]) => `${name}: ${value}`)
    .sort()
}

/** A problem of the pipeline, as RFC 9457 and the contract have it. */
export function assertProblem(answer: Received, status: number, code: string): Record<string, unknown> {
  assert.equal(answer.status, status, answer.content.toString())
  assert.equal(answer.header('content-type'), 'application/problem+json')
  assert.equal(answer.header('cache-control'), 'no-store')
  assert.equal(answer.header('idempotent-replayed'), undefined, 'no replay')
  assert.equal(answer.header('x-around'), 'yes', 'what the middlewares around have set stays')
  const problem = answer.json
  assert.equal(problem.code, code)
  assert.equal(problem.status, status)
  return problem
}
