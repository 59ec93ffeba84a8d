/** The one workload that every contender answers: the same request, the same effect, the same bytes. */

import { randomInt, randomUUID } from 'node:crypto'

/** About 100 bytes, as a client would send them. */
export const requestBody: string = JSON.stringify({
  sku: 'teapot-blue-1l',
  quantity: 2,
  customer: 'c_01hzx3v9k2',
  note: 'leave it with the neighbour',
})

export interface Order {
  readonly sku: string
  readonly quantity: number
  readonly customer: string
  readonly note: string
}

/** What every contender answers, from the row that it inserted (or would have). */
export function answerOf(id: number | bigint | string, order: Order): { id: string; status: string } & Order {
  return { id: `o_${id}`, status: 'accepted', ...order }
}

export function headersWith(key: string): Readonly<Record<string, string>> {
  return { 'content-type': 'application/json', 'x-tenant': tenant, 'idempotency-key': key }
}

/** The key of a request as those keep it who keep it in clear. */
export function keyIn(headers: Readonly<Record<string, unknown>>): string {
  return `${tenant}:${headers['idempotency-key'] as string}`
}

/** On whose behalf all requests come. */
export const tenant = 'bench'
export const connections = 64

/**
 * Which keys requests come with: fresh ones, or the known ones 0 to `count` - 1. `stride` lies between one and the next, so
 * that with a large one those of a moment are far apart, and `start` before the first.
 */
export type Keys =
  | { readonly kind: 'fresh'; readonly prefix: string }
  | {
      readonly kind: 'known'
      readonly prefix: string
      readonly count: number
      readonly start: number
      readonly stride: number
    }

/** Keys that no request has come with before. */
export function freshKeys(): Keys {
  return { kind: 'fresh', prefix: `${randomUUID()}-` }
}

export const knownPrefix = 'known-'

/** The known keys one after the other. */
export function knownInTurn(count: number): Keys {
  return { kind: 'known', prefix: knownPrefix, count, start: 0, stride: 1 }
}

/** Known keys from all over, other ones each time, and never the same twice at once. The stride is a prime. */
export function knownAllOver(count: number): Keys {
  return { kind: 'known', prefix: knownPrefix, count, start: randomInt(count), stride: 7_368_787 }
}

/** The key of a sender's `sent`th request; orders.lua has the same. */
export function keyOf(keys: Keys, sent: number): string {
  if (keys.kind === 'fresh') return `${keys.prefix}${sent}`
  return `${keys.prefix}${(keys.start + sent * keys.stride) % keys.count}`
}
