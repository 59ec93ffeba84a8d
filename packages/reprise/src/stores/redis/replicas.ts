/**
 * Steps that count only once replicas have them. WAIT tells how many replicas have all that its own connection has written,
 * so a step and its WAIT must not be torn apart: a client that reconnects between them would send WAIT on a connection that
 * has written nothing, and be told that everybody has it. Therefore they travel together, between two questions for the
 * number of the connection, and count only when both got the same answer.
 *
 * WAIT holds its connection up, so all steps that arrive meanwhile share the next one.
 */

import { RepriseError } from '../../engine/errors.ts'
import { type Argument, byName, byText, type Connection, isUnseen } from './connection.ts'
import { codeOf } from './faults.ts'
import type { Script } from './scripts.ts'

/** How many steps share one WAIT. */
const flightMax = 1000
/** How often a step follows its slot to another master. */
const movesMax = 3

interface Waiting {
  readonly script: Script
  readonly keys: readonly [string, ...string[]]
  readonly args: readonly Argument[]
  readonly resolve: (reply: unknown) => void
  readonly reject: (error: unknown) => void
  known: boolean
  moves: number
}

type SendTogether = NonNullable<Connection['sendTogether']>

export interface Replicas {
  readonly count: number
  readonly timeoutMs: number
}

export class ReplicatedSteps {
  readonly #connection: Pick<Connection, 'clustered' | 'send'>
  readonly #sendTogether: SendTogether
  readonly #replicas: Replicas
  /** By what has to travel together: in a Cluster the shelf, which lies on one master, otherwise all. */
  readonly #waiting = new Map<string, Waiting[]>()
  readonly #flying = new Set<string>()

  constructor(connection: Pick<Connection, 'clustered' | 'send'>, sendTogether: SendTogether, replicas: Replicas) {
    this.#connection = connection
    this.#sendTogether = sendTogether
    this.#replicas = replicas
  }

  /** The reply of a script that has written something, once enough replicas have it; throws where they have not. */
  run(
    shelf: string,
    script: Script,
    keys: readonly [string, ...string[]],
    args: readonly Argument[],
  ): Promise<unknown> {
    const group = this.#connection.clustered ? shelf : ''
    return new Promise((resolve, reject) => {
      this.#enqueue(group, { script, keys, args, resolve, reject, known: true, moves: 0 })
    })
  }

  #enqueue(group: string, waiting: Waiting): void {
    const queue = this.#waiting.get(group)
    if (queue === undefined) this.#waiting.set(group, [waiting])
    else queue.push(waiting)
    this.#depart(group)
  }

  #depart(group: string): void {
    if (this.#flying.has(group)) return
    const queue = this.#waiting.get(group)
    const flight = queue?.splice(0, flightMax) ?? []
    if (queue?.length === 0) this.#waiting.delete(group)
    if (flight.length === 0) return
    this.#flying.add(group)
    this.#fly(group, flight)
      .catch((error: unknown) => {
        for (const { reject } of flight) reject(error)
      })
      .finally(() => {
        this.#flying.delete(group)
        this.#depart(group)
      })
  }

  async #fly(group: string, flight: readonly Waiting[]): Promise<void> {
    const key = (flight[0] as Waiting).keys[0]
    const { count, timeoutMs } = this.#replicas
    const replies = await this.#sendTogether(key, [
      ['CLIENT', 'ID'],
      ...flight.map(({ script, keys, args, known }) => (known ? byName : byText)(script, keys, args)),
      ['WAIT', `${count}`, `${timeoutMs}`],
      ['CLIENT', 'ID'],
    ])
    const [before, acknowledged, after] = [replies[0], replies.at(-2), replies.at(-1)]
    const short = this.#shortOf(before, acknowledged, after)
    for (const [n, waiting] of flight.entries()) {
      const reply = replies[n + 1]
      if (!(reply instanceof Error)) {
        if (short === undefined) waiting.resolve(reply)
        else waiting.reject(short)
      } else if (isUnseen(reply)) this.#enqueue(group, { ...waiting, known: false })
      else if (isMoved(reply) && waiting.moves < movesMax) this.#follow(group, waiting)
      else waiting.reject(reply)
    }
  }

  /** Why what was written must not count; `undefined` where enough replicas have it. */
  #shortOf(before: unknown, acknowledged: unknown, after: unknown): Error | undefined {
    for (const reply of [before, acknowledged, after]) if (reply instanceof Error) return reply
    if (Number(before) !== Number(after)) {
      return new RepriseError('store-unavailable', 'The connection was lost before the replicas had acknowledged.')
    }
    const { count, timeoutMs } = this.#replicas
    if (Number(acknowledged) >= count) return undefined
    return new RepriseError(
      'store-unavailable',
      `${Number(acknowledged)} of ${count} replicas acknowledged within ${timeoutMs} ms.`,
    )
  }

  /** Any ordinary command lets the client find out where the slot is now. */
  #follow(group: string, waiting: Waiting): void {
    const [key] = waiting.keys
    this.#connection
      .send(key, ['EXISTS', key])
      .then(() => this.#enqueue(group, { ...waiting, moves: waiting.moves + 1 }), waiting.reject)
  }
}

function isMoved(error: Error): boolean {
  const code = codeOf(error)
  return code === 'MOVED' || code === 'ASK'
}
