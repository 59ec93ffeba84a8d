/**
 * E1: what the engine and the HTTP layer add to a handler, in microseconds of CPU per request: the pipeline of a route on
 * the memory store against the bare handler, without a framework and without sockets.
 */

import { type Captured, createReprise, type HttpRequest, reply } from 'reprise'
import { memory } from 'reprise/memory'
import { type Spread, spread } from './spread.ts'
import { answerOf, type Order, requestBody } from './workload.ts'

export interface Cost {
  readonly guarantee: 'transactional' | 'guarded'
  /** Microseconds of CPU per request. */
  readonly bare: Spread
  readonly added: Spread
}

type Handler = (request: HttpRequest) => unknown

/** Measures in turns, `rounds` rounds of `requests` each, after one to warm up. */
export async function cost(guarantee: Cost['guarantee'], rounds: number, requests: number): Promise<Cost> {
  const bare: number[] = []
  const added: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const store = memory({ maxRecords: 10_000_000, maxBytes: 4 * 1024 ** 3 })
    const reprise = createReprise({ store, principal: (request) => request.headers.get('x-tenant') })
    const route = reprise.route({ name: 'order.create', guarantee })
    const without = await cpuPerRequest((request) => handler(request), requests, round)
    const within = await cpuPerRequest((request) => route.handle(request, () => handler(request)), requests, round)
    await store.close()
    if (round === 0) continue
    bare.push(without)
    added.push(within - without)
  }
  return { guarantee, bare: spread(bare), added: spread(added) }
}

const decoder = new TextDecoder()

function handler(request: HttpRequest): Captured {
  const body = request.body(1_048_576) as { bytes: Uint8Array }
  const order = JSON.parse(decoder.decode(body.bytes)) as Order
  return { kind: 'response', ...reply(201, answerOf(1, order)) }
}

async function cpuPerRequest(handle: Handler, requests: number, round: number): Promise<number> {
  const made = Array.from({ length: requests }, (_, i) => requestWith(`k${round}-${i}`))
  const before = process.cpuUsage()
  for (const request of made) await handle(request)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / requests
}

function requestWith(key: string): HttpRequest {
  const fields: Readonly<Record<string, string>> = {
    'content-type': 'application/json',
    'x-tenant': 'bench',
    'idempotency-key': key,
  }
  const bytes = Buffer.from(requestBody)
  return {
    method: 'POST',
    target: '/orders',
    native: undefined,
    headers: {
      get: (name) => fields[name] ?? null,
      lines: (name) => (name === 'Idempotency-Key' ? [key] : []),
    },
    body: () => ({ kind: 'bytes', bytes }),
  }
}
