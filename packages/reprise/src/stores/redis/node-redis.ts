/** A connection over node-redis, the package `redis`. */

import type { Argument, Command, Connection, Ears, Subscriber } from './connection.ts'

interface Subscribing {
  subscribe(channel: string, heard: (message: string, channel: string) => unknown): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
}

/** What `createClient` of node-redis makes, by shape. */
export interface NodeRedisClient extends Subscribing {
  readonly isOpen: boolean
  sendCommand(args: readonly Argument[], options?: { readonly typeMapping?: object }): Promise<unknown>
  duplicate(): unknown
  connect(): Promise<unknown>
  destroy(): unknown
  on(event: string, heard: (...args: unknown[]) => void): unknown
  off(event: string, heard: (...args: unknown[]) => void): unknown
}

/** What `createCluster` of node-redis makes, by shape. */
export interface NodeRedisCluster extends Subscribing {
  readonly isOpen: boolean
  readonly masters: readonly { readonly address: string }[]
  sendCommand(
    firstKey: string | undefined,
    isReadonly: boolean | undefined,
    args: readonly Argument[],
    options?: { readonly typeMapping?: object },
  ): Promise<unknown>
  nodeClient(node: never): unknown
}

interface ClusterParts extends NodeRedisCluster {
  nodeClient(node: unknown): Promise<NodeRedisClient>
  /** Since version 6. */
  getNodeClientForKey?(key: string): Promise<NodeRedisClient>
}

export function isNodeRedis(client: object): client is NodeRedisClient | NodeRedisCluster {
  if (!('sendCommand' in client && 'isOpen' in client && 'subscribe' in client)) return false
  // A Sentinel client has `sendCommand` too, with arguments of its own.
  return isCluster(client) || ('duplicate' in client && !('getSentinelNode' in client))
}

function isCluster(client: object): client is ClusterParts {
  return 'nodeClient' in client && 'masters' in client
}

/** The type of bulk strings in RESP: `$`. Replies of other types hold no bytes. */
const bytes = { typeMapping: { 36: Buffer } }
/** Whatever the client's own mapping says. */
const texts = { typeMapping: {} }

/** `given`: the user's own subscriber. */
export function overNodeRedis(
  client: NodeRedisClient | NodeRedisCluster,
  given: NodeRedisClient | NodeRedisCluster | false | undefined,
): Connection {
  return isCluster(client) ? overCluster(client, given) : overClient(client as NodeRedisClient, given)
}

function overClient(client: NodeRedisClient, given: Subscribing | false | undefined): Connection {
  return {
    clustered: false,
    send: (_key, command) => client.sendCommand(command, bytes),
    sendTogether: (_key, commands) => together(client, commands),
    masters: async () => [{ name: 'the server', ask: (command) => client.sendCommand(command, texts) }],
    listen: listening(client, given),
  }
}

function overCluster(cluster: ClusterParts, given: Subscribing | false | undefined): Connection {
  return {
    clustered: true,
    send: (key, command) => cluster.sendCommand(key, false, command, bytes),
    sendTogether:
      typeof cluster.getNodeClientForKey !== 'function'
        ? undefined
        : async (key, commands) => together((await cluster.getNodeClientForKey?.(key)) as NodeRedisClient, commands),
    masters: async () =>
      Promise.all(
        cluster.masters.map(async (node) => {
          const client = await cluster.nodeClient(node)
          return { name: node.address, ask: (command: readonly string[]) => client.sendCommand(command, texts) }
        }),
      ),
    // A Cluster keeps a connection for its subscriptions by itself.
    listen: given === false ? undefined : async (ears) => subscriberOver(given ?? cluster, ears),
  }
}

/** Commands that are given in one turn of the loop follow each other on the connection. */
async function together(client: NodeRedisClient, commands: readonly Command[]): Promise<readonly unknown[]> {
  const replies = await Promise.allSettled(commands.map((command) => client.sendCommand(command, bytes)))
  return replies.map((reply) => (reply.status === 'fulfilled' ? reply.value : reply.reason))
}

function listening(client: NodeRedisClient, given: Subscribing | false | undefined): Connection['listen'] {
  if (given === false) return undefined
  if (given !== undefined) return async (ears) => subscriberOver(given, ears)
  return async (ears) => {
    const own = client.duplicate() as NodeRedisClient
    // What goes wrong with it is told by `reconnecting`; unheard, it would end the process.
    own.on('error', () => undefined)
    const subscriber = subscriberOver(own, ears)
    const connecting = own.connect()
    // While its first connection fails it goes on trying, and whoever waits polls.
    connecting.catch(() => undefined)
    return {
      ...subscriber,
      subscribe: async (channel) => {
        await connecting
        await subscriber.subscribe(channel)
      },
      close: async () => {
        await subscriber.close()
        if (own.isOpen) own.destroy()
      },
    }
  }
}

function subscriberOver(client: Subscribing & Partial<Pick<NodeRedisClient, 'on' | 'off'>>, ears: Ears): Subscriber {
  const heard = (_message: string, channel: string): void => ears.heard(channel)
  const lost = (): void => ears.lost()
  const back = (): void => ears.back()
  const lossEvents = ['reconnecting', 'end'] as const
  for (const event of lossEvents) client.on?.(event, lost)
  client.on?.('ready', back)
  return {
    subscribe: async (channel) => void (await client.subscribe(channel, heard)),
    unsubscribe: async (channel) => void (await client.unsubscribe(channel)),
    close: async () => {
      for (const event of lossEvents) client.off?.(event, lost)
      client.off?.('ready', back)
    },
  }
}
