// A table in partitions, as docs/scaling.md makes it, serves as one: also the transaction that comes second is told so.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { postgres } from 'reprise/postgres'
import { expect, test } from 'vitest'
import { describeWith, sharedPostgres } from '../services/services.ts'
import { tableName } from './given.ts'

const describePostgres = await describeWith('postgres')

/** The statements of the guide, for a table of another name. */
function partitioned(table: string): string {
  const guide = readFileSync(join(import.meta.dirname, '../../docs/scaling.md'), 'utf8')
  const [, ddl = ''] = /```sql\n(create table reprise_records \([\s\S]*?)```/.exec(guide) ?? []
  return ddl.replaceAll('reprise_records', table)
}

describePostgres('a table in partitions', () => {
  test('tells a transaction that lost to another what stands', async () => {
    const pool = new pg.Pool({ connectionString: (await sharedPostgres()).url, max: 4 })
    const table = tableName()
    try {
      await pool.query(partitioned(table))
      const [one, other] = [postgres({ pool, table }), postgres({ pool, table })]
      await one.migrate()
      const operation = { id: Buffer.alloc(32, 7).toString('base64url'), name: 'order.create', fingerprint: 'v1' }
      const terms = { guarantee: 'transactional', leaseMs: 60_000, begun: false } as const
      const begun = await one.begin?.(operation, { ...terms, attemptId: 'a'.repeat(22) }, () => undefined)
      if (begun?.kind !== 'granted') throw new Error('It was free.')
      // A claim takes no notice of the locks, and is faster.
      const claimed = await other.claim(operation, { ...terms, guarantee: 'guarded', attemptId: 'b'.repeat(22) })
      expect(claimed.kind).toBe('granted')
      const outcome = { status: 201, headers: [], body: null }
      const end = await begun.transaction.end({
        kind: 'completed',
        effect: 'kept',
        outcome,
        retentionMs: 1000,
        tombstoneMs: 1000,
      })
      expect(end).toMatchObject({ kind: 'superseded', record: { state: 'running', attemptId: 'b'.repeat(22) } })
      await one.close()
      await other.close()
    } finally {
      await pool.query(`drop table if exists ${table}`)
      await pool.end()
    }
  })
})
