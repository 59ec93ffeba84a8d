// Free ports on the loopback interface.
import { createServer } from 'node:net'

// Below the range from which systems draw the ports of outgoing connections (Linux starts at 32768, the others at
// 49152). Inside that range a server that was killed may find its port taken by a client of anything, and a client that
// keeps trying a dead server's port ends up connected to itself.
const LOWEST = 12_000
const HIGHEST = 32_000

// Between the probe and the server's own start another process may take the port. Processes that run at the same time
// mostly have neighbouring ids: each goes through a stretch of its own.
const STRETCH = 40
let steps = 0

export async function freePort(): Promise<number> {
  const width = HIGHEST - LOWEST
  for (let attempt = 0; attempt < width; attempt++) {
    const port = LOWEST + ((process.pid * STRETCH + steps++) % width)
    if (await isFree(port)) return port
  }
  throw new Error(`No free port between ${LOWEST} and ${HIGHEST}`)
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)))
  })
}
