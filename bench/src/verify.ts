/** No contender is measured before it has shown that its answers are right: what is measured should not be errors. */

import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { contenderNamed } from './contenders.ts'
import type { Running } from './running.ts'
import { answerOf, headersWith, type Order, requestBody } from './workload.ts'

export async function verify({ name, port }: Running): Promise<void> {
  const key = randomUUID()
  const first = await order(port, key)
  const again = await order(port, key)
  const other = await order(port, randomUUID())
  if (first.id === other.id) throw new Error(`${name} answers two keys with one order.`)
  const { replays } = contenderNamed(name)
  if (replays && again.text !== first.text) throw new Error(`${name} answers a retry otherwise: ${again.text}`)
  if (!replays && again.id === first.id) throw new Error(`${name} is said not to replay, and does.`)
}

interface Ordered {
  readonly id: string
  readonly text: string
}

/** Orders once. Throws for any answer but the one that every contender has to give. */
export async function order(port: number, key: string): Promise<Ordered> {
  const response = await fetch(`http://127.0.0.1:${port}/orders`, {
    method: 'POST',
    headers: headersWith(key),
    body: requestBody,
  })
  const text = await response.text()
  const type = response.headers.get('content-type')
  if (response.status !== 201 || type !== 'application/json; charset=utf-8') {
    throw new Error(`Answered ${response.status} (${type}): ${text}`)
  }
  const id = /^\{"id":"o_(\d+)"/.exec(text)?.[1] ?? ''
  const wanted = answerOf(id, JSON.parse(requestBody) as Order)
  if (id === '' || !isDeepStrictEqual(JSON.parse(text), wanted) || text.length !== JSON.stringify(wanted).length) {
    throw new Error(`Answered ${text}`)
  }
  return { id, text }
}
