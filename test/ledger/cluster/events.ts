/** What may happen in a run, counted: a run in which something never happened has proved nothing about it. */

export const eventNames = [
  // What was done to them.
  'process killed',
  'process killed at work',
  'process stopped and continued',
  'process stopped for longer than its lease',
  'database killed',
  'database stopped and continued',
  'connections to the database cut',
  'cut before COMMIT',
  'cut after COMMIT, before its answer',
  'request cut by its client',
  'connections of all clients cut',
  // What clients met.
  'told that another is running',
  'told that the database is away',
  'told that the outcome is not known',
  'told that the key belongs to another request',
  'no answer',
  'refused for want of money',
  // What became of it.
  'replayed by another process than the one that did it',
  'answer lost after the transfer was made, told by a replay',
  'attempt lost, made by another process',
] as const

export type EventName = (typeof eventNames)[number]

export class Events {
  readonly #counts = new Map<EventName, number>()

  note(name: EventName, times = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + times)
  }

  count(name: EventName): number {
    return this.#counts.get(name) ?? 0
  }

  /** Those of the given that never happened. */
  missing(names: readonly EventName[] = eventNames): EventName[] {
    return names.filter((name) => this.count(name) === 0)
  }

  lines(): string[] {
    return eventNames.map((name) => `${String(this.count(name)).padStart(8)}  ${name}`)
  }
}
