/** Everything that one run shares: its time, its chance, its weather, and the list of what happens. */

import type { Event } from '../history/history.ts'
import { Agenda } from './agenda.ts'
import type { Library } from './library.ts'
import { Random } from './random.ts'
import type { Arrival, Request } from './request.ts'
import { type Counts, noCounts, type Sometimes } from './sometimes.ts'
import { drawWeather, type Weather, type WeatherOptions } from './weather.ts'

/** One is enough: runs follow one another, since nothing in them waits. */
const sharedAgenda = new Agenda(new Random(0))

export interface WorldOptions extends WeatherOptions {
  readonly notes?: boolean | undefined
  readonly counts?: Counts | undefined
}

export class World {
  readonly library: Library
  readonly random: Random
  readonly weather: Weather
  readonly agenda: Agenda
  readonly events: Event[] = []
  readonly counts: Counts
  readonly arrivals: Arrival[] = []
  /** What the library threw although it promises not to. */
  readonly breakages: string[] = []
  /** Faults of links and handlers stop when the weather clears. */
  stormy: boolean
  /** Notes are for readers of a timeline, and cost time. */
  readonly #notes: boolean

  constructor(library: Library, seed: number, options: WorldOptions) {
    this.library = library
    this.random = new Random(seed)
    this.weather = drawWeather(this.random, options)
    this.agenda = sharedAgenda
    this.agenda.restart(this.random)
    this.counts = options.counts ?? noCounts()
    this.stormy = !this.weather.calm
    this.#notes = options.notes === true
  }

  get nowMs(): number {
    return this.agenda.nowMs
  }

  record(event: Event): void {
    this.events.push(event)
  }

  count(name: Sometimes): void {
    this.counts[name]++
  }

  arrival(request: Request): Arrival {
    const arrival = { number: this.arrivals.length, request }
    this.arrivals.push(arrival)
    return arrival
  }

  /** The witness of effects writes one down. */
  effect(operation: string, arrival: number, by: { readonly attempt: string; readonly fence: number }): void {
    const fingerprint = this.arrivals[arrival]?.request.fingerprint ?? ''
    this.events.push({ kind: 'effect', t: this.nowMs, operation, arrival, ...by, fingerprint })
    this.count('an effect happened')
  }

  broke(error: unknown): void {
    this.breakages.push(error instanceof Error ? `${error.name}: ${error.message}` : String(error))
  }

  note(text: () => string): void {
    if (this.#notes) this.events.push({ kind: 'note', t: this.nowMs, text: text() })
  }

  /** True with this probability, in a storm. */
  fault(probability: number): boolean {
    return this.stormy && this.random.chance(probability)
  }
}
