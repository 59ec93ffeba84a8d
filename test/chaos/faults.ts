// Faults in an order drawn from the seed, one at a time, while clients go on.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Server } from '../../scripts/services.ts'
import type { Chance } from './chance.ts'
import type { Fleet } from './fleet.ts'

export type Fault = 'kill-service' | 'pause-service' | 'kill-server' | 'pause-server'

export interface Target {
  readonly fleet: Fleet
  readonly server: Server
  /** Long enough for the lease of whoever is frozen to lapse. */
  readonly pauseMs: number
}

export async function inflict(fault: Fault, { fleet, server, pauseMs }: Target, chance: Chance): Promise<void> {
  await sleep(chance.between(0, 150))
  switch (fault) {
    case 'kill-service':
      await fleet.kill(chance.between(0, 99))
      return
    case 'pause-service':
      await fleet.pause(chance.between(0, 99), pauseMs)
      return
    case 'kill-server':
      await server.kill()
      await sleep(chance.between(0, 200))
      await server.restart()
      return
    case 'pause-server':
      server.pause()
      await sleep(pauseMs)
      server.resume()
  }
}
