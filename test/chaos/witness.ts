// Counts the executions of each operation. It lives in the process that nobody kills, so no count is ever lost.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Witness {
  readonly url: string
  /** How often the effect of each operation has happened. */
  readonly executions: ReadonlyMap<string, number>
  close(): void
}

export async function startWitness(): Promise<Witness> {
  const executions = new Map<string, number>()
  const server = createServer((request, response) => {
    const key = (request.url ?? '').slice(1)
    executions.set(key, (executions.get(key) ?? 0) + 1)
    response.writeHead(204).end()
  }).listen(0, '127.0.0.1')
  // A paused service comes back to the connection that it had: hanging up on it would fail an effect by our own doing.
  server.keepAliveTimeout = 0
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    executions,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
