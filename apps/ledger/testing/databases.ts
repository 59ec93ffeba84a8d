/** The databases that the ledger can stand on, for tests that mean the same on each. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Libsql from 'libsql'
import pg from 'pg'
import { afterAll, beforeAll, describe } from 'vitest'
import { describeWith, sharedPostgres } from '../../../test/services/services.ts'
import type { DatabasePlace } from '../src/config.ts'

/** A new and empty database. */
export interface FreshDatabase {
  readonly place: DatabasePlace
  /** Asks beside the service; what it asks for has to be the same in every dialect. */
  ask(sql: string): Promise<Readonly<Record<string, unknown>>[]>
  remove(): Promise<void>
}

export type MakeDatabase = () => Promise<FreshDatabase>

/** Runs the tests once for each database. Those that need PostgreSQL are skipped, loudly, where there is none. */
export async function onEachDatabase(tests: (make: MakeDatabase) => void): Promise<void> {
  describe('on SQLite', () => {
    tests(freshFile)
  })
  const describePostgres = await describeWith('postgres')
  describePostgres('on PostgreSQL', () => {
    tests(freshSchemas())
  })
}

/** A file in a folder of its own. */
export async function freshFile(): Promise<FreshDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'ledger-'))
  const file = join(folder, 'ledger.db')
  return {
    place: { kind: 'sqlite', file },
    ask: async (sql) => {
      const connection = new Libsql(file)
      try {
        return connection.prepare(sql).all([]) as Record<string, unknown>[]
      } finally {
        connection.close()
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

let made = 0

/**
 * To be called inside a `describe`, which gets a database of its own on the shared server: advisory locks reach as far as
 * a database does, and tests like to use the same keys. Each call of what it returns makes a schema in there, which is
 * much faster than another database.
 */
export function freshSchemas(): MakeDatabase {
  const name = `ledger_${process.pid}_${++made}`
  let server: string
  let outside: pg.Pool

  beforeAll(async () => {
    server = (await sharedPostgres()).url
    await run(`create database ${name}`)
    outside = poolOf(urlOf(name))
  })
  afterAll(async () => {
    await outside?.end()
    await run(`drop database if exists ${name} with (force)`)
  })

  function urlOf(database: string): URL {
    const url = new URL(server)
    url.pathname = database
    return url
  }

  async function run(sql: string): Promise<void> {
    const pool = poolOf(new URL(server))
    try {
      await pool.query(sql)
    } finally {
      await pool.end()
    }
  }

  return async () => {
    const schema = `s${++made}`
    await outside.query(`create schema ${schema}`)
    const url = urlOf(name)
    url.searchParams.set('options', `-c search_path=${schema}`)
    const inside = poolOf(url)
    return {
      place: { kind: 'postgres', url: url.href },
      ask: async (sql) => (await inside.query(sql)).rows,
      remove: async () => {
        await inside.end()
        await outside.query(`drop schema ${schema} cascade`)
      },
    }
  }
}

function poolOf(url: URL): pg.Pool {
  const types = {
    getTypeParser: ((oid: number, format?: 'text') =>
      oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
  }
  const pool = new pg.Pool({ connectionString: url.href, max: 2, types })
  pool.on('error', () => undefined)
  return pool
}
