// Servers on a free port of the loopback interface.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Mounted } from '@reprise/testkit'

/** A listener of node:http. What it returns, also a promise, is nobody's business. */
export type Listener = (request: IncomingMessage, response: ServerResponse) => unknown

/** Listens, and closes with all connections that are open. */
export async function listening(listener: Listener): Promise<Mounted> {
  const server = createServer((request, response) => void listener(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return mountedAt(server)
}

export function mountedAt(server: Server): Mounted {
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
