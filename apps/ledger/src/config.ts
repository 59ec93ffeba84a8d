/**
 * What the environment says, checked once and never read again. This is the only file that reads `process.env`.
 *
 * | variable | default | meaning |
 * | --- | --- | --- |
 * | `HOST`, `PORT` | `127.0.0.1`, `8080` | where to listen; port 0 takes any free one |
 * | `DATABASE_URL` | | a PostgreSQL database, as `postgres://user:password@host:port/name`; without it SQLite is used |
 * | `LEDGER_DB` | `./data/ledger.db` | the SQLite file; its folder is created |
 * | `LEDGER_DEV_KEYS` | `demo=demo-key,other=other-key` | who may ask: `principal=key` pairs, several keys per principal allowed |
 * | `LOG_LEVEL` | `info` | `fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent` |
 * | `NODE_ENV` | | `production` refuses the built-in keys |
 */

export interface ApiKey {
  readonly principal: string
  readonly key: string
}

export type DatabasePlace =
  | { readonly kind: 'sqlite'; readonly file: string }
  /** The URL may hold a password. */
  | { readonly kind: 'postgres'; readonly url: string }

export interface Config {
  readonly host: string
  readonly port: number
  readonly database: DatabasePlace
  readonly logLevel: (typeof LOG_LEVELS)[number]
  readonly keys: readonly ApiKey[]
  /** `built-in` keys are public: everybody can read them in this file. */
  readonly keysAre: 'built-in' | 'given'
}

/** Every fault at once, so that one start is enough to learn them all. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly code = 'config-invalid'
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(`The configuration is not valid:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`)
    this.faults = faults
  }
}

type Environment = Readonly<Record<string, string | undefined>>

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
const BUILT_IN_KEYS = 'demo=demo-key,other=other-key'

/** A principal is a name in records and answers; a key is what RFC 6750 §2.1 calls a b64token. */
const PAIR = /^([A-Za-z0-9_-]{1,64})=([A-Za-z0-9._~+/-]{1,512}=*)$/

/** Throws `ConfigError`. */
export function configFrom(environment: Environment = process.env): Config {
  const faults: string[] = []
  const config: Config = {
    host: read(environment, faults, 'HOST', '127.0.0.1', parseHost),
    port: read(environment, faults, 'PORT', '8080', parsePort),
    database: readDatabase(environment, faults),
    logLevel: read(environment, faults, 'LOG_LEVEL', 'info', parseLogLevel),
    keys: read(environment, faults, 'LEDGER_DEV_KEYS', BUILT_IN_KEYS, parseKeys),
    keysAre: environment.LEDGER_DEV_KEYS === undefined ? 'built-in' : 'given',
  }
  if (environment.NODE_ENV === 'production' && config.keysAre === 'built-in') {
    faults.push('LEDGER_DEV_KEYS must be set when NODE_ENV is production, because the built-in keys are public')
  }
  if (faults.length > 0) throw new ConfigError(faults)
  return config
}

/** Throws a sentence that continues "NAME …". */
type Parse<T> = (text: string) => T

function read<T>(environment: Environment, faults: string[], name: string, fallback: string, parse: Parse<T>): T {
  try {
    return parse(environment[name] ?? fallback)
  } catch (error) {
    faults.push(`${name} ${(error as Error).message}`)
    return parse(fallback)
  }
}

function readDatabase(environment: Environment, faults: string[]): DatabasePlace {
  return environment.DATABASE_URL === undefined
    ? { kind: 'sqlite', file: read(environment, faults, 'LEDGER_DB', './data/ledger.db', parseFile) }
    : { kind: 'postgres', url: read(environment, faults, 'DATABASE_URL', 'postgres://localhost', parseDatabaseUrl) }
}

function parseHost(text: string): string {
  if (!/^[^\s/]+$/.test(text)) throw new Error(`is ${show(text)}, but has to be a host name or an address`)
  return text
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) {
    throw new Error(`is ${show(text)}, but has to be a whole number from 0 to 65535`)
  }
  return port
}

function parseFile(text: string): string {
  // Two connections work on this database, so it has to be a file that both can open.
  if (text === '' || text.includes('\0') || text.startsWith(':memory:') || text.startsWith('file:')) {
    throw new Error(`is ${show(text)}, but has to be the path of a file`)
  }
  return text
}

function parseDatabaseUrl(text: string): string {
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text)) {
    // Not shown, since most of them hold a password.
    throw new Error('has to be the URL of a PostgreSQL database, such as postgres://user:password@host:5432/ledger')
  }
  return text
}

function parseLogLevel(text: string): Config['logLevel'] {
  const level = LOG_LEVELS.find((known) => known === text)
  if (level === undefined) throw new Error(`is ${show(text)}, but has to be one of ${LOG_LEVELS.join(', ')}`)
  return level
}

// Faults name the place of a pair and never quote it: what stands there may be a key.
function parseKeys(text: string): ApiKey[] {
  const owners = new Map<string, string>()
  const keys = text.split(',').map((pair, at) => {
    const [, principal, key] = PAIR.exec(pair.trim()) ?? []
    if (principal === undefined || key === undefined) {
      throw new Error(`has at place ${at + 1} no pair principal=key, such as demo=demo-key`)
    }
    const owner = owners.get(key)
    if (owner !== undefined) throw new Error(`gives at place ${at + 1} a key that already belongs to "${owner}"`)
    owners.set(key, principal)
    return { principal, key }
  })
  return keys
}

function show(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
