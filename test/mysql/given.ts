// What the tests on MariaDB start from: tables of their own on the shared server, pools that can be cut off, and a server
// that passes for MySQL.
import mysql, { type Pool, type PoolConnection, type PoolOptions, type RowDataPacket } from 'mysql2/promise'
import {
  type CommitResult,
  type Operation,
  type Store,
  systemRandomness,
  type Terms,
  type TransactionEnding,
} from 'reprise/engine'
import { type MysqlOptions, type MysqlPool, type MysqlQuery, type MysqlTx, mysql as mysqlStore } from 'reprise/mysql'

let made = 0

/** A name that no other check of any process has. */
export function tableName(): string {
  made++
  return `t${process.pid.toString(36)}_${Date.now().toString(36)}_${made}`
}

/** A pool that knows its connections by the server's numbers, so that they can be cut off. */
export class CuttablePool {
  readonly pool: Pool
  readonly numbers: Set<number> = new Set<number>()

  constructor(url: string, options: PoolOptions = {}) {
    this.pool = mysql.createPool({ uri: url, connectionLimit: 12, ...options })
    this.pool.on('connection', (connection) => {
      this.numbers.add(connection.threadId)
    })
  }

  /** Ends every connection as the end of the process would, and waits until the server has undone what they left open. */
  async cut(outside: Pool): Promise<void> {
    // No connection is opened any more.
    this.pool.end().catch(() => undefined)
    for (const number of this.numbers) await outside.query(`kill ${number}`).catch(() => undefined)
    await untilGone(outside, [...this.numbers])
  }

  async end(): Promise<void> {
    await this.pool.end()
  }
}

export async function untilGone(outside: Pool, numbers: readonly number[]): Promise<void> {
  if (numbers.length === 0) return
  for (;;) {
    const among = `select count(*) as n from information_schema.processlist where id in (${numbers.join()})`
    const [[left]] = await outside.query<(RowDataPacket & { n: number })[]>(among)
    if (left?.n === 0) return
  }
}

/** What only MariaDB understands. */
const mariadbOnly = /begin not atomic|\breturning\b|set statement|idle_transaction_timeout/i

/** The same pool, on a server that says it is MySQL, and is spoken to as one. */
export function disguised(pool: MysqlPool<PoolConnection>): MysqlPool<PoolConnection> {
  return {
    getConnection: async () => {
      const connection = await pool.getConnection()
      const query = async (options: MysqlQuery | string, values?: never): Promise<unknown> => {
        const sql = typeof options === 'string' ? options : options.sql
        if (mariadbOnly.test(sql)) throw new Error(`MySQL would not understand: ${sql.slice(0, 200)}`)
        const answer = await connection.query(options as never, values)
        const [rows] = answer as unknown as [RowDataPacket[]]
        if (sql.includes('version() as version')) (rows[0] as RowDataPacket).version = '8.0.36'
        return answer
      }
      return new Proxy(connection, {
        get: (target, name) => {
          if (name === 'query') return query
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    },
  }
}

/** The witnesses of what transactions do. */
export function effectsIn(
  table: string,
  outside: Pool,
): {
  create(): Promise<void>
  get(tx: MysqlTx<PoolConnection>, key: string): Promise<string | undefined>
  set(tx: MysqlTx<PoolConnection>, key: string, value: string): Promise<void>
  committed(key: string): Promise<string | undefined>
} {
  type Found = RowDataPacket & { value: string | null }
  return {
    create: async () => {
      await outside.query(`create table ${table} (name varchar(100) primary key, value text) engine = InnoDB`)
    },
    get: async (tx, key) => {
      // Locks the row, also where there is none yet: what was read is to be still so at the end.
      await tx.execute(`insert into ${table} (name) values (?) on duplicate key update name = values(name)`, [key])
      const [[found]] = await tx.execute<Found[]>(`select value from ${table} where name = ? for update`, [key])
      return found?.value ?? undefined
    },
    set: async (tx, key, value) => {
      const put = `insert into ${table} values (?, ?) on duplicate key update value = values(value)`
      await tx.execute(put, [key, value])
    },
    committed: async (key) => {
      const [[found]] = await outside.query<Found[]>(`select value from ${table} where name = ?`, [key])
      return found?.value ?? undefined
    },
  }
}

/** Terms of a new transactional attempt. */
export function aTry(chosen: Partial<Terms> = {}): Terms {
  return {
    attemptId: systemRandomness.attemptId(),
    guarantee: 'transactional',
    leaseMs: 20_000,
    begun: false,
    ...chosen,
  }
}

export function anOperation(chosen: Partial<Operation> = {}): Operation {
  const id = Buffer.from(systemRandomness.attemptId().padEnd(43, systemRandomness.attemptId()), 'base64url')
  return { id: id.subarray(0, 32).toString('base64url'), name: 'order.create', fingerprint: 'v1:order', ...chosen }
}

const horizons = { retentionMs: 3_600_000, tombstoneMs: 86_400_000 }
export const released: TransactionEnding = { kind: 'released', ...horizons }
export const kept = (body: string | Uint8Array = 'done'): Extract<TransactionEnding, { kind: 'completed' }> => ({
  kind: 'completed',
  effect: 'kept',
  outcome: { status: 201, headers: [], body: typeof body === 'string' ? Buffer.from(body) : body },
  ...horizons,
})

/** A transaction of an operation that is free. */
export async function opened<Tx>(
  store: Store<Tx>,
  operation: Operation = anOperation(),
  terms: Terms = aTry(),
  lost: () => void = () => undefined,
): Promise<{ readonly tx: Tx; readonly end: (ending: TransactionEnding) => Promise<CommitResult> }> {
  const begun = await store.begin?.(operation, terms, lost)
  if (begun?.kind !== 'granted') throw new Error(`It is ${begun?.record.state}.`)
  const { transaction } = begun
  return { tx: transaction.tx, end: (ending) => transaction.end(ending) }
}

/** A store on a table of its own, with a pool of its own. */
export async function aStore(
  url: string,
  { pool = {}, ...options }: Omit<Partial<MysqlOptions<PoolConnection>>, 'pool'> & { readonly pool?: PoolOptions } = {},
): Promise<{ store: Store<MysqlTx<PoolConnection>>; cuttable: CuttablePool; table: string }> {
  const cuttable = new CuttablePool(url, pool)
  const table = options.table ?? tableName()
  const store = mysqlStore({ ...options, pool: cuttable.pool, table })
  await store.migrate()
  return { store, cuttable, table }
}
