/** A caller: sends a request, and sends it again with the same key until it knows how it ended, or has had enough. */

import type { Network } from './network.ts'
import type { Reply, Request } from './request.ts'
import type { World } from './world.ts'

/** What a caller wants, and how it goes about it. */
export interface Intent {
  readonly principal: string
  readonly key: string
  readonly operation: string
  readonly payload: number
  readonly tries: number
  readonly timeoutMs: number
  /** Between two tries. */
  readonly pauseMs: number
  /** How probably it asks once more although it knows. */
  readonly doubt: number
}

/** Numbers of the requests and callers of one run. */
export interface Numbers {
  requests: number
  clients: number
}

export class Client {
  readonly #world: World
  readonly #network: Network
  readonly #numbers: Numbers
  readonly #intent: Intent
  readonly #number: number
  #triesLeft: number

  constructor(world: World, network: Network, numbers: Numbers, intent: Intent) {
    this.#world = world
    this.#network = network
    this.#numbers = numbers
    this.#intent = intent
    this.#number = numbers.clients++
    this.#triesLeft = intent.tries
  }

  begin(atMs: number): void {
    this.#world.agenda.at(atMs, () => this.#send())
  }

  #send(): void {
    const { agenda } = this.#world
    const { principal, key, operation, payload, timeoutMs } = this.#intent
    const fingerprint = `payload-${payload}`
    this.#triesLeft--
    const number = this.#numbers.requests++
    const request: Request = { number, client: this.#number, principal, key, operation, payload, fingerprint }
    const t = agenda.nowMs
    this.#world.record({ kind: 'invoke', t, request: number, client: this.#number, principal, operation, fingerprint })
    let over = false
    const once = (then: () => void): void => {
      if (over) return
      over = true
      agenda.cancel(patience)
      then()
    }
    const nothing = (): void =>
      once(() => {
        this.#world.record({ kind: 'info', t: agenda.nowMs, request: number })
        this.#again()
      })
    const patience = agenda.after(timeoutMs, nothing)
    this.#network.send(request, (reply, arrival) => once(() => this.#receive(number, arrival, reply)), nothing)
  }

  #receive(request: number, arrival: number, reply: Reply): void {
    const t = this.#world.nowMs
    if (reply.kind === 'ok') {
      const { outcome, success, madeFor } = reply
      this.#world.record({ kind: 'ok', t, request, outcome, success, madeFor })
    } else {
      this.#world.record({ kind: 'fail', t, request, arrival, why: reply.why, effect: reply.effect })
      if (reply.why === 'in-progress' || reply.why === 'unavailable' || reply.why === 'released') {
        this.#again(reply.retryAfterMs)
        return
      }
    }
    if (this.#world.random.chance(this.#intent.doubt)) this.#again()
  }

  #again(retryAfterMs = 0): void {
    if (this.#triesLeft === 0) return
    const { agenda, random } = this.#world
    // Half of the callers keep to Retry-After.
    const pauseMs = this.#intent.pauseMs * random.between(0.5, 1.5)
    agenda.after(random.chance(0.5) ? Math.max(pauseMs, retryAfterMs) : pauseMs, () => this.#send())
  }
}
