/** A connection over ioredis, or over a fork of it. */

import type { Argument, Connection, Ears, Subscriber } from './connection.ts'

/** `Redis` and `Cluster` of ioredis, by shape. */
export interface IoredisClient {
  call(command: string, ...args: string[]): Promise<unknown>
  callBuffer(command: string, ...args: Argument[]): Promise<unknown>
  pipeline(): unknown
  duplicate(): unknown
  subscribe(...channels: string[]): Promise<unknown>
  unsubscribe(...channels: string[]): Promise<unknown>
  on(event: string, heard: (...args: unknown[]) => void): unknown
  off(event: string, heard: (...args: unknown[]) => void): unknown
  disconnect(): void
}

interface Pipeline {
  callBuffer(command: string, ...args: Argument[]): unknown
  exec(): Promise<readonly (readonly [error: Error | null, reply: unknown])[] | null>
}

interface Node extends IoredisClient {
  readonly options?: { readonly host?: string; readonly port?: number }
}

interface ClusterParts {
  nodes(role: 'master'): readonly Node[]
}

export function isIoredis(client: object): client is IoredisClient {
  return 'callBuffer' in client && typeof client.callBuffer === 'function' && 'pipeline' in client
}

function isCluster(client: object): client is ClusterParts {
  return 'nodes' in client && typeof client.nodes === 'function'
}

/** `given`: the user's own subscriber. */
export function overIoredis(client: IoredisClient, given: IoredisClient | false | undefined): Connection {
  return {
    clustered: isCluster(client),
    send: (_key, [name, ...args]) => client.callBuffer(name, ...args),
    sendTogether: async (_key, commands) => {
      const pipeline = client.pipeline() as Pipeline
      for (const [name, ...args] of commands) pipeline.callBuffer(name, ...args)
      const replies = await pipeline.exec()
      return (replies ?? []).map(([error, reply]) => error ?? reply)
    },
    masters: async () => {
      const nodes: readonly Node[] = isCluster(client) ? client.nodes('master') : [client]
      return nodes.map((node) => ({ name: nameOf(node), ask: ([name, ...args]) => node.call(name, ...args) }))
    },
    listen: listening(client, given),
  }
}

function nameOf({ options }: Node): string {
  const { host, port } = options ?? {}
  return host === undefined || port === undefined ? 'the server' : `${host}:${port}`
}

function listening(client: IoredisClient, given: IoredisClient | false | undefined): Connection['listen'] {
  if (given === false) return undefined
  if (given !== undefined) return async (ears) => subscriberOver(given, ears, false)
  // A Cluster keeps a connection for its subscriptions by itself.
  if (isCluster(client)) return async (ears) => subscriberOver(client, ears, false)
  if (typeof client.duplicate !== 'function') return undefined
  return async (ears) => subscriberOver(client.duplicate() as IoredisClient, ears, true)
}

function subscriberOver(client: IoredisClient, ears: Ears, own: boolean): Subscriber {
  const heard = (channel: unknown): void => ears.heard(String(channel))
  const lost = (): void => ears.lost()
  const back = (): void => ears.back()
  client.on('message', heard)
  client.on('close', lost)
  client.on('ready', back)
  // What goes wrong with it is told by `close`; unheard, ioredis would print it.
  if (own) client.on('error', () => undefined)
  return {
    subscribe: async (channel) => void (await client.subscribe(channel)),
    unsubscribe: async (channel) => void (await client.unsubscribe(channel)),
    close: async () => {
      client.off('message', heard)
      client.off('close', lost)
      client.off('ready', back)
      if (own) client.disconnect()
    },
  }
}
