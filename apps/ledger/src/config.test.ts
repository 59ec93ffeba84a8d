import { describe, expect, test } from 'vitest'
import { ConfigError, configFrom } from './config.ts'

function faultsOf(environment: Record<string, string>): readonly string[] {
  try {
    configFrom(environment)
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
  return []
}

test('an empty environment gives a service for development', () => {
  expect(configFrom({})).toEqual({
    host: '127.0.0.1',
    port: 8080,
    database: { kind: 'sqlite', file: './data/ledger.db' },
    logLevel: 'info',
    keys: [
      { principal: 'demo', key: 'demo-key' },
      { principal: 'other', key: 'other-key' },
    ],
    keysAre: 'built-in',
  })
})

test('every variable is read', () => {
  const config = configFrom({
    HOST: '::1',
    PORT: '0',
    LEDGER_DB: '/var/lib/ledger/l.db',
    LOG_LEVEL: 'silent',
    LEDGER_DEV_KEYS: 'shop=k1, shop=k2==,bank=x.y-z',
    NODE_ENV: 'production',
  })
  expect(config).toEqual({
    host: '::1',
    port: 0,
    database: { kind: 'sqlite', file: '/var/lib/ledger/l.db' },
    logLevel: 'silent',
    keys: [
      { principal: 'shop', key: 'k1' },
      { principal: 'shop', key: 'k2==' },
      { principal: 'bank', key: 'x.y-z' },
    ],
    keysAre: 'given',
  })
})

test.for(['postgres://host/ledger', 'postgresql://me:secret@host:5432/ledger?sslmode=require'])(
  'the URL of a database moves the ledger there, whatever file is named: %s',
  (url) => {
    const { database } = configFrom({ DATABASE_URL: url, LEDGER_DB: 'ledger.db' })
    expect(database).toEqual({ kind: 'postgres', url })
  },
)

describe('a bad value is named', () => {
  test.for([
    ['PORT', ['', 'http', '-1', '65536', '80.5', '1e3', ' 80', '0x50', '999999']],
    ['HOST', ['', 'a b', 'http://here']],
    ['LEDGER_DB', ['', ':memory:', 'file:x.db', 'a\0b']],
    ['DATABASE_URL', ['', 'localhost:5432', 'mysql://host/ledger', 'postgres:ledger', 'postgres://host:port/ledger']],
    ['LOG_LEVEL', ['', 'INFO', 'verbose']],
    ['LEDGER_DEV_KEYS', ['', 'demo', 'demo=', '=key', 'demo=a b', 'demo=a,,other=b', 'a b=c', 'demo=k,other=k']],
  ] as const)('%s', ([name, values]) => {
    for (const value of values) {
      const faults = faultsOf({ [name]: value })
      expect(faults, JSON.stringify(value)).toHaveLength(1)
      expect(faults[0]).toMatch(new RegExp(`^${name} `))
    }
  })

  test('all at once', () => {
    expect(faultsOf({ PORT: 'x', LOG_LEVEL: 'y', HOST: '' })).toHaveLength(3)
  })

  test('but never by quoting a key', () => {
    expect(faultsOf({ LEDGER_DEV_KEYS: 'demo=s3cret!key' }).join()).not.toContain('s3cret')
    expect(faultsOf({ LEDGER_DEV_KEYS: 'a=s3cret,b=s3cret' }).join()).not.toContain('s3cret')
    expect(faultsOf({ DATABASE_URL: 'postgres//me:s3cret@host/ledger' }).join()).not.toContain('s3cret')
  })
})

test('production refuses the keys that everybody knows', () => {
  expect(faultsOf({ NODE_ENV: 'production' })).toEqual([expect.stringMatching(/^LEDGER_DEV_KEYS must be set/)])
  expect(faultsOf({ NODE_ENV: 'production', LEDGER_DEV_KEYS: 'demo=demo-key' })).toEqual([])
})
