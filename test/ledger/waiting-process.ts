// A process that answers one kind of request, and takes its time: it says when it has begun, finishes when it is told to, and
// stays until it is killed. Not a test: it is run by one.
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { createReprise, reply } from 'reprise'
import { idempotent } from 'reprise/fetch'
import { postgres } from 'reprise/postgres'
import { anOrder } from './waiting-order.ts'

const [url = ''] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: url })
const store = postgres({ pool })
const answer = idempotent(
  createReprise({ store, dangerouslyShareKeysAmongCallers: true }),
  { name: 'order.create', guarantee: 'transactional' },
  async ({ tx }) => {
    await tx.query('insert into orders default values')
    process.send?.('begun')
    await new Promise((resolve) => process.once('message', resolve))
    return reply(201, { id: randomUUID(), by: process.pid }, { location: `/orders/${process.pid}` })
  },
)

const response = await answer(anOrder())
process.send?.({ status: response.status, location: response.headers.get('location'), text: await response.text() })
