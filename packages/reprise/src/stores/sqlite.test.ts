import { closeSync, fstatSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Guarantee, Outcome } from '../engine/record.ts'
import type { Store, Transaction } from '../engine/store.ts'
import { type Driver, type SqliteTx, sqlite } from './sqlite.ts'

const driver = Database as unknown as Driver
const outcome: Outcome = { status: 201, headers: [], body: new TextEncoder().encode('{"id":1}') }
const horizons = { retentionMs: 60_000, tombstoneMs: 60_000 }
const kept = { kind: 'completed', effect: 'kept', outcome, ...horizons } as const

let folder: string
let opened: Store<SqliteTx>[]
const file = (name = 'app.db') => join(folder, name)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reprise-sqlite-'))
  opened = []
})
afterEach(async () => {
  for (const store of opened) await store.close()
  rmSync(folder, { recursive: true, force: true })
})

async function ready(options: { busyTimeout?: number; driver?: Driver } = {}): Promise<Store<SqliteTx>> {
  const store = sqlite({ file: file(), driver, ...options })
  opened.push(store)
  await store.migrate()
  return store
}

const operation = (id: string, name = 'order.create') => ({ id, name, fingerprint: `f-${id}` })
const terms = (attemptId: string, leaseMs = 5000, guarantee: Guarantee = 'transactional') => ({
  attemptId,
  guarantee,
  leaseMs,
  begun: false,
})

async function begin(
  store: Store<SqliteTx>,
  id: string,
  leaseMs?: number,
  lost = () => {},
): Promise<Transaction<SqliteTx>> {
  const begun = await store.begin?.(operation(id), terms(`attempt-${id}`, leaseMs), lost)
  if (begun?.kind !== 'granted') throw new Error(`${id} was not granted`)
  return begun.transaction
}

async function insert(store: Store<SqliteTx>, id: string): Promise<string> {
  const transaction = await begin(store, id)
  transaction.tx.prepare('insert into orders values (?)').run(id)
  return (await transaction.end(kept)).kind
}

function outside<T>(work: (db: InstanceType<typeof Database>) => T, name?: string): T {
  const db = new Database(file(name))
  try {
    return work(db)
  } finally {
    db.close()
  }
}

const orders = () =>
  outside((db) =>
    db
      .prepare('select id from orders order by id')
      .all()
      .map((row) => (row as { id: string }).id),
  )
const createOrders = () => outside((db) => db.exec('create table orders (id text)'))

describe('a file that can not serve', () => {
  it.each([
    ['in a folder that does not exist', () => file('none/app.db')],
    [
      'that is a folder',
      () => {
        mkdirSync(file('folder.db'))
        return file('folder.db')
      },
    ],
    [
      'that is no database',
      () => {
        writeFileSync(file('text.db'), 'not a database, '.repeat(500))
        return file('text.db')
      },
    ],
  ])('%s is refused when it is opened, with the path', (_, make) => {
    const path = make()
    expect(() => sqlite({ file: path, driver })).toThrow(
      expect.objectContaining({ code: 'file-unusable', message: expect.stringContaining(path) }),
    )
  })

  it('without tables says to migrate', async () => {
    const store = sqlite({ file: file(), driver })
    opened.push(store)
    await expect(store.find('x')).rejects.toMatchObject({ code: 'schema-missing' })
  })

  it('with a newer schema is refused and left as it is', async () => {
    await ready()
    outside((db) => db.exec("update reprise_meta set value = 99 where name = 'schema'"))
    const later = sqlite({ file: file(), driver })
    opened.push(later)

    await expect(later.migrate()).rejects.toMatchObject({ code: 'schema-newer' })
    await expect(later.find('x')).rejects.toMatchObject({ code: 'schema-newer' })

    const value = outside((db) => db.prepare("select value from reprise_meta where name = 'schema'").get())
    expect(value).toMatchObject({ value: 99 })
  })

  it('is refused by name and not opened where it is no path', () => {
    expect(() => sqlite({ file: ':memory:', driver })).toThrow(expect.objectContaining({ code: 'option-invalid' }))
    expect(() => sqlite({ file: file(), drivr: driver } as never)).toThrow(
      expect.objectContaining({ code: 'option-unknown' }),
    )
  })
})

describe('a file that stops serving', () => {
  it('damaged in the middle: says so, and runs nothing over what it can not read', async () => {
    createOrders()
    const store = await ready()
    for (let i = 0; i < 200; i++) await insert(store, `o${i}`)
    await store.close()
    outside((db) => db.exec('pragma wal_checkpoint(truncate)'))
    const descriptor = openSync(file(), 'r+')
    const { size } = fstatSync(descriptor)
    for (let page = 2; page < size / 4096; page++) writeSync(descriptor, Buffer.alloc(4096, 0xee), 0, 4096, page * 4096)
    closeSync(descriptor)

    const damaged = sqlite({ file: file(), driver })
    opened.push(damaged)
    await expect(begin(damaged, 'o7')).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:store-unavailable|file-unusable)$/),
      message: expect.stringContaining('damaged'),
    })
  })

  it('held by another process: waits within bounds, then says so, and serves again', async () => {
    createOrders()
    const store = await ready({ busyTimeout: 100 })
    const other = new Database(file())
    other.exec('begin immediate')

    await expect(begin(store, 'a')).rejects.toMatchObject({ code: 'store-unavailable' })
    other.exec('rollback')
    other.close()

    expect(await insert(store, 'a')).toBe('committed')
    expect(orders()).toEqual(['a'])
  })

  it('released by another process within the wait: goes on by itself', async () => {
    createOrders()
    const store = await ready()
    const other = new Database(file())
    other.exec('begin immediate')
    const waiting = insert(store, 'a')

    await new Promise((resolve) => setImmediate(resolve))
    other.exec('rollback')
    other.close()

    expect(await waiting).toBe('committed')
  })

  it('read-only: refuses without an effect', async () => {
    createOrders()
    await (await ready()).close()
    let readOnly = false
    class ReadOnly extends Database {
      override exec(sql: string) {
        if (readOnly && sql === 'begin immediate') super.exec('pragma query_only = 1')
        return super.exec(sql)
      }
    }
    const store = await ready({ driver: ReadOnly as unknown as Driver })
    readOnly = true

    await expect(begin(store, 'a')).rejects.toMatchObject({
      code: 'store-unavailable',
      message: expect.stringContaining('read-only'),
    })
    expect(await store.find('a')).toBe(undefined)
  })

  it('full: the attempt that finds no room leaves nothing, and what was acknowledged stays', async () => {
    createOrders()
    await (await ready()).close()
    let limited = false
    class Small extends Database {
      override exec(sql: string) {
        if (limited && sql === 'begin immediate') super.exec('pragma max_page_count = 12')
        return super.exec(sql)
      }
    }
    const store = await ready({ driver: Small as unknown as Driver })
    expect(await insert(store, 'before')).toBe('committed')
    limited = true

    const big = { ...kept, outcome: { ...outcome, body: new Uint8Array(200_000) } }
    const transaction = await begin(store, 'big')
    transaction.tx.prepare('insert into orders values (?)').run('big')
    const ended = await transaction.end(big)

    expect(ended).toMatchObject({ kind: 'rolled-back', why: 'failed' })
    expect(orders()).toEqual(['before'])
    expect(await store.find('big')).toBe(undefined)
    expect(await store.find('before')).toMatchObject({ state: 'completed' })
  })
})

describe('group commit', () => {
  it('shares one commit among all that arrive together', async () => {
    createOrders()
    let commits = 0
    class Counting extends Database {
      override exec(sql: string) {
        if (sql === 'commit') commits++
        return super.exec(sql)
      }
    }
    const store = await ready({ driver: Counting as unknown as Driver })
    commits = 0

    const ids = Array.from({ length: 100 }, (_, i) => `o${String(i).padStart(3, '0')}`)
    const ended = await Promise.all(ids.map((id) => insert(store, id)))

    expect(ended).toEqual(ids.map(() => 'committed'))
    expect(orders()).toEqual(ids)
    expect(commits).toBeLessThan(20)
  })

  it('answers nobody before the commit, and everybody of a failed one alike', async () => {
    createOrders()
    let fail = false
    class Failing extends Database {
      override exec(sql: string) {
        if (fail && sql === 'commit') {
          fail = false
          super.exec('rollback')
          throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR' })
        }
        return super.exec(sql)
      }
    }
    const store = await ready({ driver: Failing as unknown as Driver })
    fail = true

    expect(await Promise.all([insert(store, 'a'), insert(store, 'b')])).toEqual(['rolled-back', 'rolled-back'])
    expect(orders()).toEqual([])
    expect(await Promise.all([insert(store, 'a'), insert(store, 'b')])).toEqual(['committed', 'committed'])
  })

  it('lets a handler whose deferred constraint fails the commit fail alone in the end', async () => {
    outside((db) =>
      db.exec(`create table orders (id text); create table parents (id text primary key);
        create table children (parent text references parents (id) deferrable initially deferred)`),
    )
    class WithForeignKeys extends Database {
      override exec(sql: string) {
        if (sql.includes('journal_mode')) super.exec('pragma foreign_keys = on')
        return super.exec(sql)
      }
    }
    const store = await ready({ driver: WithForeignKeys as unknown as Driver })
    const orphan = async () => {
      const transaction = await begin(store, 'orphan')
      transaction.tx.exec("insert into children values ('nobody')")
      return (await transaction.end(kept)).kind
    }

    const together = await Promise.all([insert(store, 'a'), orphan(), insert(store, 'b')])
    const again = await Promise.all([insert(store, 'a'), orphan(), insert(store, 'b')])

    expect(together).toEqual(['rolled-back', 'rolled-back', 'rolled-back'])
    expect(again).toEqual(['committed', 'rolled-back', 'committed'])
    expect(orders()).toEqual(['a', 'b'])
  })
})

describe('a handler that takes its time', () => {
  it('has the connection to itself, and the others wait behind it', async () => {
    createOrders()
    const store = await ready()
    const slow = await begin(store, 'slow')
    slow.tx.prepare('insert into orders values (?)').run('slow-1')
    const quick = insert(store, 'quick')
    await new Promise((resolve) => setTimeout(resolve, 60))
    slow.tx.prepare('insert into orders values (?)').run('slow-2')

    const undone = await slow.end({ kind: 'released', ...horizons })

    expect(undone.kind).toBe('committed')
    expect(await quick).toBe('committed')
    expect(orders()).toEqual(['quick'])
  })

  it('does not hold up a replay', async () => {
    createOrders()
    const store = await ready()
    await insert(store, 'done')
    const slow = await begin(store, 'slow')
    await new Promise((resolve) => setTimeout(resolve, 60))

    expect(await store.begin?.(operation('done'), terms('again'), () => {})).toMatchObject({
      kind: 'found',
      record: { state: 'completed' },
    })
    await slow.end(kept)
  })

  it('is given up after its lease, told so, and can no longer write', async () => {
    createOrders()
    const store = await ready()
    let lost = 0
    const slow = await begin(store, 'slow', 100, () => lost++)
    const late = slow.tx.prepare('insert into orders values (?)')
    late.run('slow')

    expect(await insert(store, 'next')).toBe('committed')

    expect(lost).toBe(1)
    expect(() => late.run('late')).toThrow(expect.objectContaining({ code: 'transaction-ended' }))
    expect(await slow.end(kept)).toMatchObject({ kind: 'rolled-back', why: 'overdue' })
    expect(orders()).toEqual(['next'])
  })

  it('makes those who wait too long an answer, and they have done nothing', async () => {
    createOrders()
    const store = await ready({ busyTimeout: 100 })
    const slow = await begin(store, 'slow')

    await expect(insert(store, 'impatient')).rejects.toMatchObject({ code: 'store-unavailable' })

    await slow.end(kept)
    expect(await insert(store, 'impatient')).toBe('committed')
  })
})

describe('a handler that meddles', () => {
  it.each(['BEGIN', ' commit', '-- why\nROLLBACK', '/* x */ savepoint s', 'release attempt', 'end'])(
    'may not say %j',
    async (sql) => {
      const store = await ready()
      const transaction = await begin(store, 'a')

      expect(() => transaction.tx.exec(sql)).toThrow(expect.objectContaining({ code: 'transaction-broken' }))
      expect(() => transaction.tx.prepare(sql)).toThrow(expect.objectContaining({ code: 'transaction-broken' }))

      await transaction.end(kept)
    },
  )

  it('and smuggles a COMMIT past that is found out', async () => {
    createOrders()
    const store = await ready()
    const transaction = await begin(store, 'a')
    transaction.tx.exec("insert into orders values ('a'); commit")

    expect(await transaction.end(kept)).toMatchObject({ kind: 'rolled-back', why: 'failed' })
    expect(await insert(store, 'b')).toBe('committed')
  })

  it('takes parameters one by one, as an array, by name, and a lone Buffer', async () => {
    outside((db) => db.exec('create table t (a, b)'))
    const store = await ready()
    const transaction = await begin(store, 'a')
    const { tx } = transaction

    tx.prepare('insert into t values (?, ?)').run(1, 'x')
    tx.prepare('insert into t values (?, ?)').run([2, 'y'])
    tx.prepare('insert into t values (:a, :b)').run({ a: 3, b: 'z' })
    tx.prepare('insert into t values (4, ?)').run(Buffer.from([7]))

    expect(tx.prepare('select a from t where a > ? order by a').all(1)).toEqual([{ a: 2 }, { a: 3 }, { a: 4 }])
    expect([...tx.prepare('select count(*) as n from t').iterate()]).toEqual([{ n: 4 }])
    await transaction.end(kept)
  })
})

describe('two processes on one file', () => {
  it('grant an operation once', async () => {
    createOrders()
    const [one, two] = [await ready(), await ready()]
    expect(await insert(one, 'a')).toBe('committed')

    expect(await two.begin?.(operation('a'), terms('other'), () => {})).toMatchObject({
      kind: 'found',
      record: { state: 'completed', attemptId: 'attempt-a' },
    })
  })

  it('migrate at the same time', async () => {
    const stores = Array.from({ length: 5 }, () => sqlite({ file: file(), driver }))
    opened.push(...stores)
    await Promise.all(stores.map((store) => store.migrate()))
    expect(await stores[4]?.find('x')).toBe(undefined)
  })
})

it('wakes who waits by a change, and not by a look', async () => {
  const store = await ready()
  const { record } = await store.claim(operation('a'), terms('first', 5000, 'guarded'))
  let woken = 0
  const over = new AbortController()
  const watching = store.watch?.('a', over.signal).then(() => woken++)
  await store.claim(operation('a'), terms('second', 5000, 'guarded'))
  expect(woken).toBe(0)
  const released = { kind: 'released', proof: 'not-applied', ...horizons } as const
  await store.settle({ id: 'a', attemptId: 'first', fence: record.fence }, released)
  await watching
  expect(woken).toBe(1)
})
