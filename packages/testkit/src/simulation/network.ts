/** Between callers and processes: requests are lost, delayed, doubled and kept for later; answers are cut. */

import type { Process } from './process.ts'
import type { Arrival, Reply, Request, Service } from './request.ts'
import type { World } from './world.ts'

/** A process with what it serves in its present life. */
export interface Node {
  readonly process: Process
  service: Service
}

export class Network {
  readonly #world: World
  readonly #nodes: readonly Node[]

  constructor(world: World, nodes: readonly Node[]) {
    this.#world = world
    this.#nodes = nodes
  }

  /** Sends a request to any process. `receive` is told each answer that comes back; `refused` that nobody listens. */
  send(request: Request, receive: (reply: Reply, arrival: number) => void, refused: () => void): void {
    const world = this.#world
    const { network, chaosMs } = world.weather
    if (world.fault(network.loseRequest)) return
    const delayMs = this.#latencyMs() + (world.fault(network.late) ? world.random.between(0, network.lateMs) : 0)
    this.#deliver(request, delayMs, receive, refused)
    if (world.fault(network.double)) this.#deliver(request, delayMs + this.#latencyMs(), receive, () => undefined)
    if (world.fault(network.stale)) {
      world.count('an old request came back')
      this.#deliver(
        request,
        world.random.between(0, 2 * chaosMs),
        () => undefined,
        () => undefined,
      )
    }
  }

  #deliver(
    request: Request,
    delayMs: number,
    receive: (reply: Reply, arrival: number) => void,
    refused: () => void,
  ): void {
    const { agenda, random } = this.#world
    const node = random.pick(this.#nodes)
    agenda.after(delayMs, () => {
      if (!node.process.up) {
        agenda.after(this.#latencyMs(), refused)
        return
      }
      const arrival = this.#world.arrival(request)
      this.#world.note(() => `${node.process.name} gets request ${request.number} as arrival ${arrival.number}`)
      // A process that stands still takes it up when it goes on.
      node.process.resume(node.process.life, () => this.#serve(node, arrival, receive))
    })
  }

  #serve(node: Node, arrival: Arrival, receive: (reply: Reply, arrival: number) => void): void {
    const world = this.#world
    node.service.serve(arrival, (reply) => {
      if (world.fault(world.weather.network.loseAnswer)) {
        world.count('an answer was cut')
        return
      }
      world.agenda.after(this.#latencyMs(), () => receive(reply, arrival.number))
    })
  }

  #latencyMs(): number {
    return this.#world.weather.network.latencyMs * this.#world.random.between(0.5, 1.5)
  }
}
