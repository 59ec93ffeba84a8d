// The stores whose records are written down, each in a place of its own on a real server: how to open it, how to write down
// what lies in it, and how to put that into another place.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import Database from 'libsql'
import mysql2 from 'mysql2/promise'
import pg from 'pg'
import type { Store } from 'reprise/engine'
import { mysql, mysqlMigrations } from 'reprise/mysql'
import { postgres, postgresMigrations } from 'reprise/postgres'
import { redis } from 'reprise/redis'
import { sqlite, sqliteMigrations } from 'reprise/sqlite'

export interface Place {
  store(): Store<unknown>
  /** Everything that lies there, as text of the server's own language. */
  writeDown(): Promise<string>
  restore(text: string): Promise<void>
  dispose(): Promise<void>
}

export type PlaceName = 'sqlite' | 'postgres' | 'mysql' | 'redis'

/** Places on these servers; `name` is of letters and digits, and has to be nobody else's. */
export const places: Readonly<Record<PlaceName, (url: string, name: string) => Promise<Place>>> = {
  sqlite: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'reprise-versions-'))
    const file = join(folder, 'records.db')
    const within = <T>(work: (db: InstanceType<typeof Database>) => T): T => {
      const db = new Database(file)
      try {
        return work(db)
      } finally {
        db.close()
      }
    }
    return {
      store: () => sqlite({ file }) as Store<unknown>,
      writeDown: async () =>
        within((db) => {
          const rows = ['reprise_meta', 'reprise_records'].flatMap((table) =>
            (db.prepare(`select * from ${table}`).all() as Record<string, Cell>[]).map((row) =>
              insertOf(table, row, (bytes) => `x'${bytes.toString('hex')}'`),
            ),
          )
          const meta = db.prepare("select sql from sqlite_schema where name = 'reprise_meta'").get() as { sql: string }
          // The migrations have written a line of their own.
          return textOf([meta.sql, ...sqliteMigrations, 'delete from reprise_meta', ...rows])
        }),
      restore: async (text) => void within((db) => db.exec(text)),
      dispose: async () => rmSync(folder, { recursive: true }),
    }
  },

  postgres: async (url, name) => {
    const table = `records_${name}`
    const pool = new pg.Pool({ connectionString: url, max: 5 })
    return {
      store: () => postgres({ pool, table }) as Store<unknown>,
      writeDown: async () => {
        const { rows } = await pool.query<Record<string, Cell>>(`select * from ${table} order by id`)
        const inserts = rows.map((row) => insertOf(table, row, (bytes) => `'\\x${bytes.toString('hex')}'`))
        return textOf([...postgresMigrations({ table }), ...inserts]).replaceAll(table, 'records_')
      },
      restore: async (text) => void (await pool.query(text.replaceAll('records_', table))),
      dispose: async () => {
        await pool.query(`drop table if exists ${table}`)
        await pool.end()
      },
    }
  },

  mysql: async (url, name) => {
    const table = `records_${name}`
    const pool = mysql2.createPool({ uri: url, multipleStatements: true, connectionLimit: 5 })
    return {
      store: () => mysql({ pool, table }) as Store<unknown>,
      writeDown: async () => {
        const tables = [
          ...new Set(
            mysqlMigrations({ table })
              .join('\n')
              .match(/`reprise_meta`|`records_\w+`/g),
          ),
        ]
        const inserts: string[] = []
        for (const each of tables) {
          const [rows] = await pool.query(`select * from ${each}`)
          for (const row of rows as Record<string, Cell>[]) {
            if (each.includes('meta') && !Object.values(row).includes(table)) continue
            inserts.push(insertOf(each, row, (bytes) => `x'${bytes.toString('hex')}'`))
          }
        }
        return textOf([...mysqlMigrations({ table }), ...inserts]).replaceAll(table, 'records_')
      },
      restore: async (text) => void (await pool.query(text.replaceAll('records_', table))),
      dispose: async () => {
        await pool.query(`drop table if exists ${table}`)
        await pool.end()
      },
    }
  },

  redis: async (url, name) => {
    const prefix = `records_${name}:`
    const client = new Redis(url)
    const keys = async (): Promise<string[]> => (await client.keys(`${prefix}*`)).sort()
    return {
      store: () => redis({ client, prefix, subscriber: false, acceptLoss: 'everything' }) as Store<unknown>,
      writeDown: async () => {
        const lines: string[] = []
        for (const key of await keys()) {
          const rest = key.slice(prefix.length)
          if ((await client.type(key)) === 'string') {
            lines.push(JSON.stringify(['set', rest, (await client.getBuffer(key))?.toString('base64')]))
          } else lines.push(JSON.stringify(['zadd', rest, ...(await client.zrange(key, '0', '-1', 'WITHSCORES'))]))
        }
        return `${lines.join('\n')}\n`
      },
      restore: async (text) => {
        for (const line of text.trim().split('\n')) {
          const [command, rest, ...values] = JSON.parse(line) as [string, string, ...string[]]
          if (command === 'set') await client.set(prefix + rest, Buffer.from(values[0] ?? '', 'base64'))
          else
            for (let n = 0; n < values.length; n += 2)
              await client.zadd(prefix + rest, `${values[n + 1]}`, `${values[n]}`)
        }
      },
      dispose: async () => {
        const left = await keys()
        if (left.length > 0) await client.del(...left)
        await client.quit()
      },
    }
  },
}

function textOf(statements: readonly string[]): string {
  return statements.map((statement) => `${statement.trim().replace(/;$/, '')};\n`).join('\n')
}

/** What a driver hands out for a column. */
type Cell = null | number | string | ArrayBuffer | Uint8Array

function insertOf(table: string, row: Readonly<Record<string, Cell>>, bytes: (value: Buffer) => string): string {
  const values = Object.values(row).map((value) => {
    if (value === null) return 'null'
    if (typeof value === 'object') return bytes(Buffer.from(value as Uint8Array))
    return typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`
  })
  const names = Object.keys(row).map((name) => (table.startsWith('`') ? `\`${name}\`` : name))
  return `insert into ${table} (${names.join(', ')}) values (${values.join(', ')})`
}
