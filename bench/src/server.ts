/** One contender as a process of its own: `node dist/server.js <name> <place>` prints its port when it listens. */

import { once } from 'node:events'
import type { Server } from 'node:http'
import express from 'express'
import Fastify from 'fastify'
import { type Contender, contenderNamed } from './contenders.ts'

async function listen(contender: Contender, place: string): Promise<Server> {
  if (contender.framework === 'express') {
    const app = express()
    await (await contender.load())(app, place)
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return server
  }
  const app = Fastify()
  await (await contender.load())(app, place)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.server
}

const [name = '', place = ''] = process.argv.slice(2)
const address = (await listen(contenderNamed(name), place)).address()
process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`)
// Ends with whoever started it, also one that died.
process.stdin.once('close', () => process.exit(0)).resume()
