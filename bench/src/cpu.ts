/**
 * E1: what the engine and the HTTP layer add to a handler, in microseconds of CPU per request, without sockets: the
 * fetch adapter on the memory store against the bare handler.
 */

import { createReprise } from 'reprise'
import { idempotent } from 'reprise/fetch'
import { memory } from 'reprise/memory'
import { type Spread, spread } from './contest.ts'
import { requestBody } from './workload.ts'

type Handler = (request: Request) => Response | Promise<Response>

export interface Cost {
  readonly guarantee: 'transactional' | 'guarded'
  /** Microseconds of CPU per request. */
  readonly bare: Spread
  readonly added: Spread
}

/** Measures in turns, `rounds` rounds of `requests` each. */
export async function cost(guarantee: Cost['guarantee'], rounds: number, requests: number): Promise<Cost> {
  const bareHandler: Handler = async (request) => {
    const order = (await request.json()) as object
    return Response.json({ id: 'o_1', status: 'accepted', ...order }, { status: 201 })
  }
  const bare: number[] = []
  const added: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const store = memory({ maxRecords: 10_000_000, maxBytes: 4 * 1024 ** 3 })
    const reprise = createReprise({ store, principal: (request) => request.headers.get('x-tenant') })
    const handler = idempotent(reprise, { name: 'order.create', guarantee }).around(bareHandler)
    const without = await cpuPerRequest(bareHandler, requests, round)
    const within = await cpuPerRequest(handler, requests, round)
    await store.close()
    if (round === 0) continue
    bare.push(without)
    added.push(within - without)
  }
  return { guarantee, bare: spread(bare), added: spread(added) }
}

async function cpuPerRequest(handler: Handler, requests: number, round: number): Promise<number> {
  const made = Array.from(
    { length: requests },
    (_, i) =>
      new Request('http://127.0.0.1/orders', {
        method: 'POST',
        body: requestBody,
        headers: { 'content-type': 'application/json', 'x-tenant': 'bench', 'idempotency-key': `k${round}-${i}` },
      }),
  )
  const before = process.cpuUsage()
  for (const request of made) {
    const response = await handler(request)
    if (response.status !== 201) throw new Error(`The handler answered ${response.status}.`)
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / requests
}
