// What the store says before it has met a server.
import { describe, expect, it } from 'vitest'
import { type MysqlConnection, type MysqlOptions, type MysqlPool, mysql, mysqlMigrations } from './mysql.ts'

const pool: MysqlPool = {
  getConnection: async () => {
    throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', errno: -111 })
  },
}
const open = (options: object) => () => mysql(options as MysqlOptions<MysqlConnection>)

describe('mysql()', () => {
  it.each([
    ['option-unknown', { pool, tabel: 'x' }],
    ['option-invalid', {}],
    ['option-invalid', { pool: 'mysql://localhost' }],
    ['option-invalid', { pool: { query: () => undefined } }],
    ['option-invalid', { pool, table: 'a b' }],
    ['option-invalid', { pool, table: 'a.b.c' }],
    ['option-invalid', { pool, table: 'a`; drop table b' }],
    ['option-invalid', { pool, table: 'x'.repeat(65) }],
    ['option-invalid', { pool, busyTimeout: 'soon' }],
    ['option-invalid', { pool, lockTimeout: '10ms' }],
    ['option-invalid', { pool, isolation: 'read uncommitted' }],
    ['option-invalid', { pool, acceptLoss: true }],
    ['option-invalid', { pool, acceptLoss: ['read_only'] }],
  ])('refuses what it does not know: %s %o', (code, options) => {
    expect(open(options)).toThrow(expect.objectContaining({ code }))
  })

  it('takes a pool of promises, and asks one of callbacks for its promises', async () => {
    const callbacks = { getConnection: () => undefined, promise: () => pool }
    for (const given of [pool, callbacks]) {
      const store = mysql({ pool: given })
      await expect(store.find('x')).rejects.toMatchObject({ code: 'store-unavailable' })
      await store.close()
    }
  })

  it('is durable, unless a loss is accepted', () => {
    expect(mysql({ pool }).capabilities).toEqual({
      transactional: true,
      durable: true,
      survivesFailover: false,
      wakesWaiters: false,
    })
    expect(mysql({ pool, acceptLoss: ['sync_binlog'] }).capabilities.durable).toBe(false)
  })
})

describe('mysqlMigrations()', () => {
  it('names the table that it is told, and refuses names that are none', () => {
    expect(mysqlMigrations()[0]).toContain('create table if not exists `reprise_records`')
    expect(mysqlMigrations({ table: 'shop.idempotency' })[0]).toContain('`shop`.`idempotency`')
    expect(() => mysqlMigrations({ table: 'a;b' })).toThrow(expect.objectContaining({ code: 'option-invalid' }))
  })
})
