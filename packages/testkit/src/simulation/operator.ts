/**
 * Whoever looks after the service: resolves unknown outcomes by asking the foreign system, erases, sweeps. An operator
 * says "nothing happened" only when the old process is known to be dead and its call can't arrive any more.
 */

import { digestOf } from './digest.ts'
import type { Process } from './process.ts'
import type { Scene } from './scene.ts'

export class Operator {
  readonly #scene: Scene
  readonly #processes: readonly Process[]

  constructor(scene: Scene, processes: readonly Process[]) {
    this.#scene = scene
    this.#processes = processes
  }

  schedule(): void {
    const { world } = this.#scene
    const { weather, random, agenda } = world
    const sometime = (times: number, work: () => void): void => {
      for (let i = 0; i < times; i++) agenda.at(random.between(0.2, 1.5) * weather.chaosMs, work)
    }
    if (weather.operators) sometime(2, () => this.resolveAll())
    sometime(weather.erasures, () => this.erase())
    sometime(weather.sweeps, () => this.sweep())
  }

  resolveAll(): void {
    const { world, store } = this.#scene
    if (world.weather.guarantee !== 'guarded' || store.down || store.paused) return
    for (const record of store.records()) if (record.state === 'unknown') this.#resolve(record)
  }

  sweep(): void {
    const { world, store } = this.#scene
    if (!store.down && !store.paused) store.sweep(world.library)
  }

  erase(): void {
    const { world, store } = this.#scene
    if (store.down || store.paused) return
    for (const record of store.records()) {
      if (record.state !== 'completed' || !this.#readable(record.id)) continue
      if (store.erase(world.library, record.id)) world.count('an outcome was erased')
    }
  }

  #resolve({ id, fence, attemptId }: { id: string; fence: number; attemptId: string }): void {
    const { world, store, foreign } = this.#scene
    if (!this.#readable(id)) return
    const { retentionMs, tombstoneMs } = world.weather
    const horizons = { retentionMs, tombstoneMs }
    if (foreign.happened(attemptId)) {
      const operation = store.nameOf(id)
      const principal = operation.split('/')[0] ?? ''
      const outcome = {
        status: 200,
        headers: [['location', `/${principal}/resolved`]] as const,
        body: Buffer.from(`${principal}|${operation}|resolved`, 'latin1'),
      }
      const said = { arrival: -1, operation, said: 'keep', outcome: digestOf(outcome) } as const
      world.record({ kind: 'end', t: world.nowMs, ...said })
      const result = store.resolve(world.library, id, fence, { kind: 'completed', outcome, ...horizons })
      if (result.kind === 'written') world.count('an unknown outcome was resolved as completed')
      return
    }
    const dead = !this.#processes.some((process) => process.attempts.has(attemptId))
    if (!dead || foreign.mayStillHappen(attemptId)) return
    const result = store.resolve(world.library, id, fence, { kind: 'released', proof: 'not-applied', ...horizons })
    if (result.kind === 'written') world.count('an unknown outcome was resolved as released')
  }

  #readable(id: string): boolean {
    try {
      this.#scene.store.read(id, this.#scene.world.library)
      return true
    } catch {
      return false
    }
  }
}
