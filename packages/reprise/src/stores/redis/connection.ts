/** What the store asks of a client, whichever it is: `ioredis.ts` and `node-redis.ts` are the two ways to have it. */

import type { Script } from './scripts.ts'

export type Argument = string | Buffer
export type Command = readonly [name: string, ...args: Argument[]]

/** A master that can be asked about itself. */
export interface Master {
  /** Where it is, as far as the client says. */
  readonly name: string
  ask(command: readonly [name: string, ...args: string[]]): Promise<unknown>
}

export interface Ears {
  /** A message on this channel. */
  heard(channel: string): void
  /** The connection is gone, and with it what is said meanwhile. */
  lost(): void
  /** It is there again, and so are its channels. */
  back(): void
}

export interface Subscriber {
  subscribe(channel: string): Promise<void>
  unsubscribe(channel: string): Promise<void>
  close(): Promise<void>
}

export interface Connection {
  readonly clustered: boolean
  /** Sends a command to the master that holds the key. Texts in the reply are Buffers. */
  send(key: string, command: Command): Promise<unknown>
  /**
   * Sends several, one right after the other, to the master that holds the key, and to no other: what has moved away
   * is an error in its place. `undefined` where the client can't do that.
   */
  readonly sendTogether: ((key: string, commands: readonly Command[]) => Promise<readonly unknown[]>) | undefined
  masters(): Promise<readonly Master[]>
  /** Opens a subscriber, or uses the one that was passed in; `undefined` where there can be none. */
  readonly listen: ((ears: Ears) => Promise<Subscriber>) | undefined
}

/** Runs a script by its name, and by its text where the server has not seen it yet. */
export async function run(
  connection: Pick<Connection, 'send'>,
  script: Script,
  keys: readonly [string, ...string[]],
  args: readonly Argument[],
): Promise<unknown> {
  try {
    return await connection.send(keys[0], byName(script, keys, args))
  } catch (error) {
    if (!isUnseen(error)) throw error
    return connection.send(keys[0], byText(script, keys, args))
  }
}

export function byName(script: Script, keys: readonly string[], args: readonly Argument[]): Command {
  return ['EVALSHA', script.sha, `${keys.length}`, ...keys, ...args]
}

export function byText(script: Script, keys: readonly string[], args: readonly Argument[]): Command {
  return ['EVAL', script.source, `${keys.length}`, ...keys, ...args]
}

/** The server does not know the script: it was started again, or its scripts were flushed. Nothing was done. */
export function isUnseen(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}
