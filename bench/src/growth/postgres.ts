/** Fills the table of a database with rows such as the store has written there. */

import { Client } from 'pg'
import { idOfKnown, type KeptRow, rowsLike } from './rows.ts'

const batch = 5000

/** Adds the known keys from 1 on to the one that the store has written, up to `records`. */
export async function fillPostgres(url: string, records: number): Promise<void> {
  const clients = [new Client(url), new Client(url)]
  await Promise.all(clients.map((client) => client.connect()))
  const [first] = clients as [Client]
  try {
    // A crash in the middle would end the run anyway.
    for (const client of clients) await client.query('set synchronous_commit = off')
    const rows = rowsLike(await written(first), 1, records)
    await Promise.all(clients.map((client) => insertAll(client, rows)))
    // What the server would otherwise do about so many new rows while it is measured.
    await first.query('vacuum (freeze, analyze) reprise_records')
    await first.query('checkpoint')
  } finally {
    await Promise.all(clients.map((client) => client.end()))
  }
}

async function written(client: Client): Promise<KeptRow> {
  const { rows } = await client.query<{ id: string; rest: string; due_at: string; record: Buffer; body: Buffer }>(
    'select replace(id::text, $1, $2) as id, replace(rest::text, $1, $2) as rest, due_at, record, body from reprise_records',
    ['-', ''],
  )
  const known = rows.find(({ id, rest }) => Buffer.from(id + rest, 'hex').toString('base64url') === idOfKnown(0))
  if (known === undefined) throw new Error('The store has written the first key under another id.')
  return {
    id: idOfKnown(0),
    dueAtMs: Number(known.due_at),
    record: known.record.toString(),
    body: known.body.toString(),
  }
}

/** Takes from `rows`, as the others do, until there are none. */
async function insertAll(client: Client, rows: Iterator<KeptRow>): Promise<void> {
  for (;;) {
    const columns: string[][] = [[], [], [], [], []]
    const [firsts, rests, dues, records, bodies] = columns as [string[], string[], string[], string[], string[]]
    while (firsts.length < batch) {
      const { done, value } = rows.next()
      if (done === true) break
      const id = Buffer.from(value.id, 'base64url').toString('hex')
      firsts.push(id.slice(0, 32))
      rests.push(id.slice(32))
      dues.push(`${value.dueAtMs}`)
      records.push(value.record)
      bodies.push(value.body)
    }
    if (firsts.length === 0) return
    // JSON on one line: a column of them is a text of lines, which the driver hands on as it is.
    const lines = (n: number): string => `unnest(string_to_array($${n}, chr(10)))`
    await client.query({
      name: 'fill',
      text: `insert into reprise_records (id, rest, due_at, record, body) select ${lines(1)}::uuid, ${lines(2)}::uuid,
        ${lines(3)}::bigint, convert_to(${lines(4)}, 'UTF8'), convert_to(${lines(5)}, 'UTF8')`,
      values: columns.map((column) => column.join('\n')),
    })
  }
}
