/**
 * The laws of `transactional` on MariaDB, after chaos:
 * 1. each operation has exactly one effect, and each effect belongs to an operation;
 * 2. all its answers were equal, byte for byte;
 * 3. each has a completed record, and no transaction is left open.
 */
import assert from 'node:assert/strict'
import { createConnection, createPool, type RowDataPacket } from 'mysql2/promise'
import { mysql } from 'reprise/mysql'
import { type Server, startPrivateMariadb } from '../../scripts/services.ts'
import { type Aftermath, chaos } from './chaos.ts'
import { everyRecord } from './every-record.ts'
import { EFFECTS } from './orders-on-mariadb.ts'

export async function mariadbChaos(
  options: { readonly rounds: number; readonly seed: number },
  tell: (line: string) => void = () => undefined,
): Promise<Aftermath> {
  const server = await startPrivateMariadb()
  try {
    const admin = await createConnection(server.url)
    await admin.query(EFFECTS)
    await admin.end()
    const aftermath = await chaos({
      ...options,
      server,
      faults: ['kill-service', 'kill-server', 'kill-service', 'pause-server', 'pause-service'],
      leaseMs: 1000,
      paths: ['/orders'],
      terms: { store: 'mysql', everysec: false, witness: '' },
      tell,
    })
    await checkLaws(server, aftermath)
    return aftermath
  } finally {
    await server.stop()
  }
}

async function checkLaws(server: Server, { keys, told }: Aftermath): Promise<void> {
  assert.equal(told.unknown.size, 0, 'an outcome was unknown')
  assert.deepEqual([...told.done.keys()].sort(), [...keys].sort())

  const pool = createPool({ uri: server.url, connectionLimit: 2 })
  try {
    const [rows] = await pool.query<RowDataPacket[]>(
      'select operation, count(*) as times from effects group by operation',
    )
    const effects = new Map(rows.map(({ operation, times }) => [String(operation), Number(times)]))
    assert.deepEqual(
      [...effects].filter(([, times]) => times !== 1),
      [],
      'effects that happened more than once',
    )
    assert.deepEqual([...effects.keys()].sort(), [...keys].sort())

    const records = await everyRecord(mysql({ pool }))
    assert.equal(records.length, keys.length)
    assert.deepEqual(
      records.filter(({ state }) => state !== 'completed'),
      [],
      'records at no end',
    )

    // The services are gone; the server takes back what they had not committed.
    const [open] = await pool.query<RowDataPacket[]>('select trx_state, trx_query from information_schema.innodb_trx')
    assert.deepEqual(open, [], 'transactions left open')
  } finally {
    await pool.end()
  }
}
