/** Brings the faults of processes, of the store and of clocks into a run, at drawn moments of its chaos. */

import type { Node } from './network.ts'
import type { Process } from './process.ts'
import type { Scene } from './scene.ts'

export class Faults {
  readonly #scene: Scene
  readonly #nodes: readonly Node[]
  readonly #boot: (node: Node) => void

  constructor(scene: Scene, nodes: readonly Node[], boot: (node: Node) => void) {
    this.#scene = scene
    this.#nodes = nodes
    this.#boot = boot
  }

  schedule(): void {
    const { world, store } = this.#scene
    const { weather, random } = world
    const { leaseMs } = weather
    this.#sometime(weather.crashes, () => this.crash(this.#anyNode().process))
    this.#sometime(weather.pauses, () => this.#pause(this.#anyNode().process, leaseMs * random.between(0.2, 3)))
    this.#sometime(weather.partitions, () => this.#cutOff(this.#anyNode().process, leaseMs * random.between(0.1, 2)))
    this.#sometime(weather.storePauses, () => this.#pauseStore(leaseMs * random.between(0.1, 2)))
    this.#sometime(weather.storeCrashes, () => this.#crashStore(leaseMs * random.between(0.05, 1)))
    this.#sometime(weather.failovers, () => store.failOver(weather.lagMs))
    this.#sometime(weather.nodeClocks, () => this.#setClock(this.#anyNode().process))
    this.#sometime(weather.storeClocks, () => store.setClock(store.clockErrorMs + leaseMs * random.between(-2, 2)))
    this.#sometime(weather.unreadable, () => this.#damage())
  }

  /** A moment at which a process may die: as it sends something to the store, or as that has been applied. */
  atStep(process: Process): void {
    const { world } = this.#scene
    if (!world.fault(world.weather.crashAtStep)) return
    const { life } = process
    world.agenda.after(0, () => {
      if (process.life === life) this.crash(process)
    })
  }

  crash(process: Process): void {
    const { world, store } = this.#scene
    if (!process.up || !world.stormy) return
    const { life } = process
    world.record({ kind: 'crash', t: world.nowMs, process: process.name })
    world.count('a process died')
    if (store.transactions.has(process)) world.count('a process died in a transaction')
    for (const record of store.records()) {
      if (record.state === 'running' && process.attempts.has(record.attemptId)) {
        world.count('a process died with a claim')
        break
      }
    }
    process.die()
    // The store notices the closed connections after what was sent through them.
    world.agenda.after(world.weather.store.latencyMs * 3, () => store.transactions.abandon(process, life))
    const node = this.#nodes.find((candidate) => candidate.process === process)
    world.agenda.after(world.random.between(1, world.weather.leaseMs), () => this.#restart(node))
  }

  /** Everything that was broken is whole again. What the network still carries will arrive. */
  heal(): void {
    const { world, store } = this.#scene
    world.stormy = false
    for (const node of this.#nodes) {
      store.reconnect(node.process)
      this.#restart(node)
      if (node.process.paused) node.process.proceed()
    }
    if (store.paused) store.proceed()
    if (store.down) store.restart()
  }

  #restart(node: Node | undefined): void {
    if (node === undefined || node.process.up) return
    node.process.up = true
    this.#boot(node)
    this.#scene.world.note(() => `${node.process.name} is up again`)
  }

  #sometime(times: number, fault: () => void): void {
    const { world } = this.#scene
    for (let i = 0; i < times; i++) {
      world.agenda.at(world.random.fraction() * world.weather.chaosMs, fault)
    }
  }

  #anyNode(): Node {
    return this.#scene.world.random.pick(this.#nodes)
  }

  #pause(process: Process, ms: number): void {
    const { world } = this.#scene
    if (!process.up || process.paused || !world.stormy) return
    const { life } = process
    process.pause()
    world.note(() => `${process.name} stands still`)
    if (ms > world.weather.leaseMs) world.count('a process stood still for longer than a lease')
    world.agenda.after(ms, () => {
      if (process.life !== life || !process.paused) return
      world.note(() => `${process.name} goes on`)
      process.proceed()
    })
  }

  #cutOff(process: Process, ms: number): void {
    const { world, store } = this.#scene
    if (!world.stormy) return
    store.cutOff(process)
    world.note(() => `${process.name} is cut off from the store`)
    world.agenda.after(ms, () => store.reconnect(process))
  }

  #pauseStore(ms: number): void {
    const { world, store } = this.#scene
    if (store.paused || store.down || !world.stormy) return
    store.pause()
    world.note(() => 'the store stands still')
    world.agenda.after(ms, () => {
      if (store.paused) store.proceed()
    })
  }

  #crashStore(ms: number): void {
    const { world, store } = this.#scene
    if (store.down || !world.stormy) return
    store.die()
    world.record({ kind: 'crash', t: world.nowMs, process: 'store' })
    world.count('the store died')
    world.agenda.after(ms, () => {
      if (store.down) store.restart()
    })
  }

  #setClock(process: Process): void {
    const { world } = this.#scene
    process.wallErrorMs = world.random.between(-1, 1) * 3_600_000
    world.count('a node clock was set')
    world.note(() => `the clock of ${process.name} is wrong by ${Math.round(process.wallErrorMs)} ms`)
  }

  #damage(): void {
    const { world, store } = this.#scene
    const records = [...store.records()]
    if (records.length > 0 && world.stormy) store.damage(world.random.pick(records).id)
  }
}
