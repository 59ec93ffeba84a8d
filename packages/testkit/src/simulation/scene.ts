/** Who takes part in a run: the store, the foreign system, and what is known of who acts for whom. */

import type { Randomness } from 'reprise'
import { Foreign } from './foreign.ts'
import type { Process } from './process.ts'
import type { Arrival } from './request.ts'
import { StoreServer } from './store-server.ts'
import type { World } from './world.ts'

export class Scene {
  readonly world: World
  readonly store: StoreServer
  readonly foreign: Foreign
  /** Every fault is over: handlers, too, behave. */
  settling = false
  /** Principals that nobody may be answered for any more. */
  readonly revoked: Set<string> = new Set()
  #attempts = 0
  readonly #called: Set<number> = new Set()

  constructor(world: World) {
    this.world = world
    this.store = new StoreServer(world)
    this.foreign = new Foreign(world)
  }

  /** The handler is called for an arrival: a request and its response can be handled once. */
  called({ number }: Arrival): void {
    if (this.#called.has(number)) this.world.broke(new Error(`The handler was called twice for arrival ${number}.`))
    this.#called.add(number)
  }

  /** The randomness port of a process: attempt ids that can be read, and are traced to who drew them. */
  randomness(process: Process): Randomness {
    return {
      attemptId: () => {
        const id = `attempt-${++this.#attempts}`
        process.attempts.add(id)
        return id
      },
      fraction: () => this.world.random.fraction(),
    }
  }
}
