/** Fills the table of a file with rows such as the store has written there. */

import Database from 'libsql'
import { idOfKnown, type KeptRow, rowsLike } from './rows.ts'

/** Adds the known keys from 1 on to the one that the store has written, up to `records`. */
export function fillSqlite(file: string, records: number): void {
  const db = new Database(file)
  try {
    // A crash in the middle would end the run anyway; the index is filled in no order, so most of it has to be at hand.
    db.exec('pragma synchronous = off; pragma cache_size = -1000000')
    const insert = db.prepare(
      'insert into reprise_records (bucket, id, state, name, due_at, record, body) values (?, ?, ?, ?, ?, ?, ?)',
    )
    const { name, ...first } = written(db)
    db.exec('begin')
    let inserted = 0
    for (const { id, dueAtMs, record, body } of rowsLike(first, 1, records)) {
      insert.run([bucketOf(id), id, 'completed', name, dueAtMs, record, body])
      if (++inserted % 100_000 === 0) db.exec('commit; begin')
    }
    db.exec('commit')
    db.exec('pragma wal_checkpoint(truncate)')
  } finally {
    db.close()
  }
}

function written(db: Database.Database): KeptRow & { readonly name: string } {
  const id = idOfKnown(0)
  const row = db.prepare('select bucket, name, due_at, record, body from reprise_records where id = ?').get([id]) as
    | { bucket: number; name: string; due_at: number; record: string; body: string }
    | undefined
  if (row?.bucket !== bucketOf(id)) throw new Error('The store has written the first key elsewhere.')
  return { id, name: row.name, dueAtMs: row.due_at, record: row.record, body: row.body }
}

/** The number under which the store finds an id: 52 bits of two lanes of FNV-1a. */
function bucketOf(id: string): number {
  let low = 0x811c9dc5
  let high = 0x01000193
  for (let n = 0; n < id.length; n++) {
    low = Math.imul(low ^ id.charCodeAt(n), 0x01000193)
    high = Math.imul(high ^ id.charCodeAt(n), 0x811c9dc5)
  }
  return (high >>> 12) * 2 ** 32 + (low >>> 0)
}
