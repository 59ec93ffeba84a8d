/**
 * A simulated process. Whatever it waits for comes back to it through `resume`, so that it can die (what it waited for
 * never comes back: its memory is gone) or stand still (everything waits until it goes on).
 */

import type { Clock } from 'reprise'
import type { Agenda } from './agenda.ts'
import type { Library } from './library.ts'
import type { Arrival } from './request.ts'

/** Where virtual time 0 is on everybody's calendar. */
export const epochMs: number = Date.UTC(2030, 0, 1)

export class Process {
  readonly name: string
  readonly library: Library
  readonly #agenda: Agenda
  /** Which life this is; it grows with every death. */
  life = 1
  up = true
  paused = false
  /** How wrong the wall clock of this machine is. */
  wallErrorMs = 0
  /** The arrival whose request was read last: what is asked of the store right after that is asked for it. */
  reading: Arrival | undefined
  /** Attempts that were begun in this life. */
  readonly attempts: Set<string> = new Set()
  #held: (() => void)[] = []

  constructor(name: string, library: Library, agenda: Agenda) {
    this.name = name
    this.library = library
    this.#agenda = agenda
  }

  /** Goes on with something that was begun in `life`: now, later if the process stands still, or never. */
  resume(life: number, then: () => void): void {
    if (life !== this.life || !this.up) return
    if (this.paused) this.#held.push(then)
    else then()
  }

  sleep(ms: number): Promise<void> {
    const { life } = this
    return new Promise((resolve) => {
      this.#agenda.after(ms, () => this.resume(life, resolve))
    })
  }

  /** The clock port as the library sees it in this life. */
  clock(): Clock {
    const { life } = this
    const agenda = this.#agenda
    return {
      now: () => epochMs + agenda.nowMs + this.wallErrorMs,
      monotonic: () => agenda.nowMs,
      after: (ms, then) => {
        let off = false
        // A process that stands still may call it off when it goes on, before the timer's turn comes.
        const ticket = agenda.after(ms, () => this.resume(life, () => off || then()))
        return () => {
          off = true
          agenda.cancel(ticket)
        }
      },
      soon: (then) => {
        agenda.after(0, () => this.resume(life, then))
      },
    }
  }

  die(): void {
    this.life++
    this.up = false
    this.paused = false
    this.reading = undefined
    this.attempts.clear()
    this.#held = []
  }

  /** SIGSTOP. */
  pause(): void {
    this.paused = true
  }

  /** SIGCONT: what has come in the meantime is taken up in its order, one turn of the event loop each. */
  proceed(): void {
    this.paused = false
    const { life } = this
    for (const then of this.#held.splice(0)) this.#agenda.after(0, () => this.resume(life, then))
  }
}
