import { Pool } from 'pg'
import { createReprise, reply } from 'reprise'
import { idempotent } from 'reprise/fetch'
import { postgres } from 'reprise/postgres'

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 20 })
pool.on('error', (error) => console.error('an idle connection was lost', error)) // without it, that ends the process
export const store = postgres({ pool, schema: 'app' })
await store.migrate() // creates or upgrades the table; safe from any number of processes at once

const reprise = createReprise({ store, principal: (request) => request.headers.get('x-tenant') })

export const POST = idempotent(
  reprise,
  { name: 'order.create', guarantee: 'transactional' },
  async (attempt, request) => {
    const { sku } = (await request.json()) as { sku: string }
    const insert = 'insert into orders (sku) values ($1) returning id'
    const { rows } = await attempt.tx.query<{ id: number }>(insert, [sku])
    return reply(201, rows[0], { location: `/orders/${rows[0]?.id}` })
  },
)
