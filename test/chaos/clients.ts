// Clients without patience: several at once for each operation, at any process, hanging up in the middle, until told an end.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'
import type { Chance } from './chance.ts'
import type { Answer, Meaning, Told } from './told.ts'

export interface Order {
  readonly key: string
  readonly path: string
}

export interface Traffic {
  requests: number
  /** Answers that never came: hung up on, or lost with their process. */
  cut: number
  /** Duplicates that were answered by replay. */
  replays: number
  inProgress: number
  /** Answers that asked for another attempt. */
  again: number
}

export interface Clients {
  readonly traffic: Traffic
  /** Sends copies of an order until each of them is told an end, or hangs up because it is given up. */
  spray(order: Order, givenUp?: AbortSignal): Promise<void>
  /** Sends it once; undefined where no answer came. */
  send(order: Order, url: string, hangUp?: AbortSignal): Promise<Answer | undefined>
  close(): Promise<void>
}

const COPIES_MAX = 4
const ANSWERED_WITHIN_MS = 90_000
const HANG_UP_AFTER_MS_MAX = 60

export function openClients(urls: () => readonly string[], told: Told, chance: Chance): Clients {
  const dispatcher = new Agent({ connections: 16, headersTimeout: 10_000, bodyTimeout: 10_000 })
  const traffic: Traffic = { requests: 0, cut: 0, replays: 0, inProgress: 0, again: 0 }

  async function send({ key, path }: Order, url: string, hangUp?: AbortSignal): Promise<Answer | undefined> {
    traffic.requests++
    try {
      const { statusCode, headers, body } = await request(`${url}${path}`, {
        method: 'POST',
        headers: { 'idempotency-key': key, 'content-type': 'application/json' },
        body: JSON.stringify({ order: key }),
        signal: hangUp ?? null,
        dispatcher,
      })
      return {
        status: statusCode,
        text: await body.text(),
        replayed: headers['idempotent-replayed'] === 'true',
        shouldRetry: headers['idempotency-should-retry'] === 'true',
      }
    } catch {
      traffic.cut++
      return undefined
    }
  }

  async function untilEnd(order: Order, givenUp: AbortSignal | undefined): Promise<void> {
    const deadline = performance.now() + ANSWERED_WITHIN_MS
    let last: Meaning | 'nothing' = 'nothing'
    while (givenUp?.aborted !== true) {
      assert.ok(performance.now() < deadline, `${order.key} came to no end, and was last told: ${last}`)
      const reachable = urls()
      if (reachable.length > 0) {
        const hangUp = chance.happens(0.2) ? AbortSignal.timeout(chance.between(1, HANG_UP_AFTER_MS_MAX)) : undefined
        const ends = [hangUp, givenUp].filter((signal) => signal !== undefined)
        const answer = await send(order, chance.pick(reachable), AbortSignal.any(ends))
        last = answer === undefined ? 'nothing' : told.note(order.key, answer)
        if (last === 'done' && answer?.replayed) traffic.replays++
        if (last === 'in-progress') traffic.inProgress++
        if (last === 'again') traffic.again++
        if (last === 'done' || last === 'unknown') return
      }
      await sleep(chance.between(5, 80))
    }
  }

  return {
    traffic,
    send,
    async spray(order, givenUp) {
      const copies = Array.from({ length: chance.between(1, COPIES_MAX) }, async () => {
        if (chance.happens(0.3)) await sleep(chance.between(1, 50))
        await untilEnd(order, givenUp)
      })
      await Promise.all(copies)
    },
    close: () => dispatcher.destroy(),
  }
}
