// A Redis Cluster of masters without replicas, all slots assigned.
import { catalogue, urlFromEnvironment } from './catalogue.ts'
import { elsewhere } from './elsewhere.ts'
import { freePort } from './ports.ts'
import { type RedisOptions, startPrivateRedis } from './redis.ts'
import { askRedis } from './redis-ask.ts'
import type { Server } from './server.ts'
import { until } from './until.ts'

export interface RedisCluster {
  /** The URLs of its nodes, with commas between. */
  readonly url: string
  readonly nodes: readonly Server[]
  /** Resolves when every node finds all slots served: some two seconds after a node's restart. */
  whole(): Promise<void>
  stop(): Promise<void>
}

export interface RedisClusterOptions extends Pick<RedisOptions, 'appendfsync' | 'settings'> {
  readonly masters?: number
}

const SLOTS = 16_384
const WHOLE_WITHIN_MS = 30_000

export async function startRedisCluster({ masters = 3, ...options }: RedisClusterOptions = {}): Promise<RedisCluster> {
  const other = urlFromEnvironment('redis-cluster')
  if (other !== undefined) {
    const { variable } = catalogue['redis-cluster']
    return clusterOf(other.split(',').map((url) => elsewhere('redis-cluster', url.trim(), variable)))
  }

  const started = await Promise.allSettled(Array.from({ length: masters }, () => startNode(options)))
  const nodes = started.flatMap((node) => (node.status === 'fulfilled' ? [node.value] : []))
  const cluster = clusterOf(nodes.map(({ server }) => server))
  try {
    for (const node of started) if (node.status === 'rejected') throw node.reason
    await meet(nodes)
    await cluster.whole()
  } catch (error) {
    await cluster.stop()
    throw error
  }
  return cluster
}

function clusterOf(nodes: readonly Server[]): RedisCluster {
  return {
    url: nodes.map(({ url }) => url).join(','),
    nodes,
    whole: () => whole(nodes.map(({ port }) => port)),
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()))
    },
  }
}

interface Node {
  readonly server: Server
  readonly busPort: number
}

async function startNode({ settings, ...options }: RedisClusterOptions): Promise<Node> {
  const busPort = await freePort()
  const server = await startPrivateRedis({
    ...options,
    settings: {
      'cluster-enabled': 'yes',
      // By default 10000 above the other one, which may be taken.
      'cluster-port': String(busPort),
      'cluster-node-timeout': '2000',
      ...settings,
    },
  })
  return { server, busPort }
}

async function meet(nodes: readonly Node[]): Promise<void> {
  const share = Math.ceil(SLOTS / nodes.length)
  for (const [index, { server }] of nodes.entries()) {
    const last = Math.min((index + 1) * share, SLOTS) - 1
    await askRedis(server.port, `CLUSTER ADDSLOTSRANGE ${index * share} ${last}`)
    await askRedis(server.port, `CLUSTER SET-CONFIG-EPOCH ${index + 1}`)
  }
  // All pairs: left to gossip, the last two would take seconds to hear of each other.
  for (const [index, { server }] of nodes.entries()) {
    for (const { server: other, busPort } of nodes.slice(index + 1)) {
      await askRedis(server.port, `CLUSTER MEET 127.0.0.1 ${other.port} ${busPort}`)
    }
  }
}

async function whole(ports: readonly number[]): Promise<void> {
  const wanted = ['cluster_state:ok', `cluster_slots_ok:${SLOTS}`, `cluster_known_nodes:${ports.length}`]
  const isWhole = async (port: number) => {
    const info = (await askRedis(port, 'CLUSTER INFO').catch(() => '')).split('\r\n')
    return wanted.every((line) => info.includes(line))
  }
  if (await until(async () => (await Promise.all(ports.map(isWhole))).every(Boolean), WHOLE_WITHIN_MS)) return
  throw new Error(`The Redis cluster was not whole within ${WHOLE_WITHIN_MS} ms`)
}
