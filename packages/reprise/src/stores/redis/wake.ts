/**
 * Wakes those who wait for a record when another process changes it. Each record that somebody waits for has a channel of
 * its own, so that nobody hears of the others.
 *
 * Redis sends a message once, to those who are connected just then. So a wake-up is a reason to look and never the only
 * one: who waits also looks when the subscription stands, when the connection comes back, and every second besides.
 */

import type { Clock } from '../../engine/clock.ts'
import type { Watchers } from '../../engine/watchers.ts'
import type { Connection, Subscriber } from './connection.ts'

/** How soon one looks again where nobody would tell. */
const pollMs = 75
/** How soon one looks again although one would be told. */
const distrustMs = 1_000
/** How long a subscription outlives the last who waits: looking takes a moment, and then one waits again. */
const lingerMs = 1_000

interface Channel {
  readonly name: string
  readonly id: string
  waiting: number
  subscribed: boolean
  cancelEnd: (() => void) | undefined
}

export class Wake {
  readonly #listen: Connection['listen']
  readonly #channelOf: (id: string) => string
  readonly #watchers: Watchers
  readonly #clock: Clock
  readonly #channels = new Map<string, Channel>()
  #subscriber: Promise<Subscriber> | undefined
  #connected = true
  #closed = false

  constructor(listen: Connection['listen'], channelOf: (id: string) => string, watchers: Watchers, clock: Clock) {
    this.#listen = listen
    this.#channelOf = channelOf
    this.#watchers = watchers
    this.#clock = clock
  }

  async watch(id: string, signal: AbortSignal): Promise<void> {
    if (this.#listen === undefined || this.#closed || signal.aborted) return this.#wait(id, signal, pollMs)
    const channel = this.#enter(id)
    try {
      await this.#wait(id, signal, channel.subscribed && this.#connected ? distrustMs : pollMs)
    } finally {
      this.#leave(channel)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const channel of this.#channels.values()) {
      channel.cancelEnd?.()
      this.#end(channel)
    }
    this.#watchers.wakeAll()
    const subscriber = await this.#subscriber?.catch(() => undefined)
    await subscriber?.close()
  }

  async #wait(id: string, signal: AbortSignal, ms: number): Promise<void> {
    const cancel = this.#clock.after(ms, () => this.#watchers.wake(id))
    await this.#watchers.watch(id, signal)
    cancel()
  }

  #enter(id: string): Channel {
    const name = this.#channelOf(id)
    let channel = this.#channels.get(name)
    if (channel === undefined) {
      channel = { name, id, waiting: 0, subscribed: false, cancelEnd: undefined }
      this.#channels.set(name, channel)
      this.#subscribe(channel)
    }
    channel.cancelEnd?.()
    channel.cancelEnd = undefined
    channel.waiting++
    return channel
  }

  #leave(channel: Channel): void {
    channel.waiting--
    if (channel.waiting > 0 || this.#closed || !this.#channels.has(channel.name)) return
    channel.cancelEnd = this.#clock.after(lingerMs, () => this.#end(channel), 'background')
  }

  #subscribe(channel: Channel): void {
    this.#open()
      .then((subscriber) => subscriber.subscribe(channel.name))
      .then(() => {
        channel.subscribed = true
        // What changed before this moment was told to nobody.
        this.#watchers.wake(channel.id)
      })
      .catch(() => {
        // The next who waits tries again; until then one polls.
        if (this.#channels.get(channel.name) === channel) this.#channels.delete(channel.name)
      })
  }

  #end(channel: Channel): void {
    if (this.#channels.get(channel.name) === channel) this.#channels.delete(channel.name)
    this.#subscriber
      ?.then((subscriber) => subscriber.unsubscribe(channel.name))
      .catch(() => {
        // With the connection the subscription is gone too.
      })
  }

  /** The subscriber is opened for the first who waits: most processes of most services never need one. */
  #open(): Promise<Subscriber> {
    this.#subscriber ??= (this.#listen as NonNullable<Connection['listen']>)({
      heard: (name) => {
        const channel = this.#channels.get(name)
        if (channel !== undefined) this.#watchers.wake(channel.id)
      },
      lost: () => {
        this.#connected = false
        this.#watchers.wakeAll()
      },
      back: () => {
        this.#connected = true
        this.#watchers.wakeAll()
      },
    }).catch((error: unknown) => {
      this.#subscriber = undefined
      throw error
    })
    return this.#subscriber
  }
}
