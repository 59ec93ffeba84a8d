/** One contender as a process of its own: `node dist/server.js <name> <file>` prints its port when it listens. */

import Fastify from 'fastify'
import { bareSqlite } from './contenders/bare-sqlite.ts'
import { nothing } from './contenders/nothing.ts'
import { repriseSqlite } from './contenders/reprise-sqlite.ts'

const contenders = { nothing, 'bare-sqlite': bareSqlite, 'reprise-sqlite': repriseSqlite } as const

const [name = '', file = ''] = process.argv.slice(2)
if (!Object.hasOwn(contenders, name)) throw new Error(`Unknown contender "${name}".`)

const app = Fastify()
await contenders[name as keyof typeof contenders](app, file)
await app.listen({ port: 0, host: '127.0.0.1' })
const address = app.server.address()
process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`)
process.on('SIGTERM', () => process.exit(0))
