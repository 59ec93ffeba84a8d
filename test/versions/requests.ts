// The requests of the written records: one for each state that a record can be left in, and for each kind of fingerprint.
import { createReprise, NotApplied, type Reprise } from 'reprise'
import type { Store } from 'reprise/engine'
import { idempotent } from 'reprise/fetch'

export interface WrittenRequest {
  /** What the record was left as. */
  readonly left: 'completed' | 'released' | 'unknown' | 'expired'
  readonly target: string
  readonly method: string
  readonly key: string
  readonly type: string
  readonly body: string
}

const json = 'application/json'
const form = 'application/x-www-form-urlencoded'

export const requests: readonly WrittenRequest[] = [
  {
    left: 'completed',
    method: 'POST',
    target: '/orders',
    key: 'order-created',
    type: json,
    body: '{"sku":"A-1","n":1.50}',
  },
  {
    left: 'completed',
    method: 'POST',
    target: '/orders?b=2&a=1',
    key: 'order-query',
    type: json,
    body: '{"ü":["€",null]}',
  },
  { left: 'completed', method: 'PUT', target: '/orders/7', key: 'order-form', type: form, body: 'b=2&a=1&a=%20' },
  { left: 'completed', method: 'PATCH', target: '/bytes', key: 'bytes', type: 'text/plain', body: 'any bytes' },
  { left: 'completed', method: 'DELETE', target: '/nothing', key: 'nothing', type: 'text/plain', body: '' },
  { left: 'completed', method: 'POST', target: '/refused', key: 'refused', type: json, body: '{"sku":"none"}' },
  { left: 'released', method: 'POST', target: '/released', key: 'released', type: json, body: '{"sku":"B-2"}' },
  { left: 'unknown', method: 'POST', target: '/unknown', key: 'unknown', type: json, body: '{"sku":"C-3"}' },
  { left: 'expired', method: 'POST', target: '/expired', key: 'expired', type: json, body: '{"sku":"D-4"}' },
]

const hundredYears = '36500d'

/** A service on a store, whose handlers answer as the path says; `calls` counts them. */
export function serviceOn<Tx>(store: Store<Tx>): {
  readonly reprise: Reprise<Tx>
  readonly calls: string[]
  readonly send: (request: WrittenRequest) => Promise<Response>
} {
  const calls: string[] = []
  const reprise = createReprise({
    store,
    principal: () => 'tenant-1',
    retention: hundredYears,
    tombstone: hundredYears,
  })
  const policy = { name: 'written', guarantee: 'guarded' } as const
  const answers: Readonly<Record<string, () => Response>> = {
    '/orders': () => Response.json({ id: 1, sku: 'A-1' }, { status: 201, headers: { location: '/orders/1' } }),
    '/orders/7': () => new Response('saved', { status: 200 }),
    '/bytes': () => new Response(Uint8Array.from({ length: 256 }, (_, byte) => byte)),
    '/nothing': () => new Response(null, { status: 204 }),
    '/refused': () => Response.json({ error: 'no such sku' }, { status: 404 }),
    '/expired': () => Response.json({ id: 4 }, { status: 201 }),
    '/released': () => {
      throw new NotApplied('the bank was closed')
    },
    '/unknown': () => {
      throw new Error('the connection to the bank was lost')
    },
  }
  const answer = (request: Request): Response => {
    const { pathname } = new URL(request.url)
    calls.push(pathname)
    return answers[pathname]?.() ?? new Response('none', { status: 404 })
  }
  const lasting = idempotent(reprise, policy).around(answer)
  const short = idempotent(reprise, { ...policy, lease: '1s', retention: '1s' }).around(answer)
  return {
    reprise,
    calls,
    send: ({ method, target, key, type, body, left }) => {
      const headers = { 'idempotency-key': key, 'content-type': type }
      const init = body === '' ? {} : { body }
      const request = new Request(`https://shop.example${target}`, { method, headers, ...init })
      return (left === 'expired' ? short : lasting)(request)
    },
  }
}
