// The process as operators see it: how it starts, what it says, how it stops.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type FreshDatabase, onEachDatabase } from '../testing/databases.ts'
import { buildLedger, type LedgerProcess, runLedger, type ServingLedger, startLedger } from '../testing/process.ts'

let folder: string
let running: LedgerProcess[]

beforeAll(buildLedger, 120_000)
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledger-'))
  running = []
})
afterEach(async () => {
  await Promise.all(running.map((ledger) => ledger.kill('SIGKILL')))
  await rm(folder, { recursive: true, force: true })
})

async function start(environment: Record<string, string> = {}): Promise<ServingLedger> {
  const ledger = await startLedger({ LEDGER_DB: join(folder, 'sub/folder/ledger.db'), ...environment })
  running.push(ledger)
  return ledger
}

function post(ledger: ServingLedger, path: string, key: string, body: object): Promise<Response> {
  return fetch(`${ledger.url}${path}`, {
    method: 'POST',
    headers: { authorization: 'Bearer demo-key', 'idempotency-key': key, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

/** A connection that sends what it is told and keeps what it gets. */
interface Wire {
  readonly socket: Socket
  readonly closed: Promise<void>
  received(): string
}

async function open(ledger: ServingLedger): Promise<Wire> {
  let received = ''
  const socket = connect(ledger.port, '127.0.0.1').setEncoding('utf8')
  socket.on('data', (text: string) => {
    received += text
  })
  socket.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
  await new Promise<void>((resolve) => socket.on('connect', () => resolve()))
  return { socket, closed, received: () => received }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10))
}

const account = '{"id":"late","owner":"late","currency":"EUR"}'
const head =
  'POST /v1/accounts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer demo-key\r\nIdempotency-Key: late\r\n' +
  `Content-Type: application/json\r\nContent-Length: ${account.length}\r\n\r\n`

describe('a start that can’t be', () => {
  test.for([
    ['a bad port', { PORT: 'eighty' }, /PORT is "eighty"/],
    ['two bad values', { PORT: '-1', LOG_LEVEL: 'loud' }, /PORT is "-1"[\s\S]*LOG_LEVEL is "loud"/],
    ['production with built-in keys', { NODE_ENV: 'production' }, /LEDGER_DEV_KEYS must be set/],
    ['a folder for a database', { LEDGER_DB: tmpdir() }, /can't start/],
    ['no server', { DATABASE_URL: 'postgres://me:s3cret@127.0.0.1:1/x' }, /PostgreSQL could not be reached/],
  ] as const)('%s: exit code 1 and a sentence', async ([, environment, sentence]) => {
    const ledger = runLedger({ LEDGER_DB: join(folder, 'ledger.db'), ...environment })
    running.push(ledger)
    expect(await ledger.exited).toEqual({ code: 1, signal: null })
    expect(ledger.stderr()).toMatch(sentence)
    expect(ledger.stderr()).not.toMatch(/s3cret| at .*\.js:/)
  })

  test('a file that is no database', async () => {
    await writeFile(join(folder, 'ledger.db'), 'This is a letter to my aunt. '.repeat(500))
    const ledger = runLedger({ LEDGER_DB: join(folder, 'ledger.db') })
    running.push(ledger)
    expect((await ledger.exited).code).toBe(1)
    expect(ledger.stderr()).toMatch(/not a .*database/i)
  })

  test('a port that is taken', async () => {
    const first = await start()
    const second = runLedger({ LEDGER_DB: join(folder, 'other.db'), PORT: String(first.port) })
    running.push(second)
    expect((await second.exited).code).toBe(1)
    expect(second.stderr()).toContain('EADDRINUSE')
  })
})

describe('what it says', () => {
  test('built-in keys are shown, since they are no secret', async () => {
    const ledger = await start()
    expect(ledger.stderr()).toMatch(/Development keys[\s\S]*demo +Authorization: Bearer demo-key/)
  })

  test('keys of one’s own are not, and no log line holds a key, a token, a body or a path', async () => {
    const ledger = await start({ LEDGER_DEV_KEYS: 'shop=s3cret-token,demo=demo-key', LOG_LEVEL: 'trace' })
    expect(ledger.stderr()).toContain('shop, demo')
    await post(ledger, '/v1/accounts', 's3cret-key', { id: 's3cret-id', owner: 's3cret-owner', currency: 'EUR' })
    await post(ledger, '/v1/accounts', 's3cret-key', { id: 's3cret-id', owner: 's3cret-owner', currency: 'EUR' })
    await post(ledger, '/v1/accounts', 's3cret-other', { id: 's3cret id', owner: '', currency: 'EUR' })
    await fetch(`${ledger.url}/v1/accounts/s3cret-id?x=s3cret`, { headers: { authorization: 'Bearer s3cret-token' } })
    await fetch(`${ledger.url}/v1/accounts`, {
      method: 'POST',
      body: '{"s3cret',
      headers: { authorization: 'Bearer demo-key', 'idempotency-key': 's3cret', 'content-type': 'application/json' },
    })
    await until(() => ledger.stdout().split('"answered"').length > 5)
    expect(ledger.stdout() + ledger.stderr()).not.toMatch(/s3cret|demo-key/)
    expect(ledger.stdout()).toContain('"replayed":true')
  })
})

await onEachDatabase((make) => {
  let fresh: FreshDatabase
  beforeEach(async () => {
    fresh = await make()
  })
  afterEach(async () => {
    await Promise.all(running.map((ledger) => ledger.kill('SIGKILL')))
    await fresh.remove()
  })

  const startOn = ({ place }: FreshDatabase): Promise<ServingLedger> =>
    start(place.kind === 'sqlite' ? { LEDGER_DB: place.file } : { DATABASE_URL: place.url })

  test('two that start at once on a new database share one ledger', async () => {
    const [first, second] = await Promise.all([startOn(fresh), startOn(fresh)])
    const body = { id: 'alice', owner: 'Alice', currency: 'EUR' }
    const send = (to: ServingLedger) => post(to, '/v1/accounts', 'k', body)
    const answers = [await Promise.all([send(first), send(second)]), await Promise.all([send(first), send(second)])]
    // At the very same moment the second may be told that the first is at it; a moment later both say the same.
    const done = answers.flat().filter(({ status }) => status !== 409)
    for (const answer of done) expect(answer.status).toBe(201)
    expect(new Set(await Promise.all(done.map((answer) => answer.text()))).size).toBe(1)
    expect(done.filter(({ headers }) => headers.get('idempotent-replayed') === null)).toHaveLength(1)
  })

  test('what was answered before a restart is answered the same after it', async () => {
    const body = { id: 'alice', owner: 'Alice', currency: 'EUR' }
    const before = await startOn(fresh)
    const answered = await (await post(before, '/v1/accounts', 'k', body)).text()
    expect(await before.kill('SIGTERM')).toEqual({ code: 0, signal: null })
    const after = await startOn(fresh)
    const replay = await post(after, '/v1/accounts', 'k', body)
    expect([await replay.text(), replay.headers.get('idempotent-replayed')]).toEqual([answered, 'true'])
  })
})

test('the folder of a SQLite file is made', async () => {
  await start()
  expect(await readdir(join(folder, 'sub/folder'))).toContain('ledger.db')
})

describe.for(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  test('a request in flight is answered, nobody new is let in, and the exit code is 0', async () => {
    const ledger = await start()
    const inFlight = await open(ledger)
    inFlight.socket.write(head)
    const idle = await open(ledger)
    idle.socket.write('GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n')
    await until(() => idle.received().includes('"ready"'))

    ledger.child.kill(signal)
    // The one that waits for nothing is let go at once, though it could have been kept open for long.
    await idle.closed
    await until(async () => {
      const late = connect(ledger.port, '127.0.0.1')
      return new Promise<boolean>((resolve) => {
        late.on('connect', () => resolve(false)).on('error', () => resolve(true))
      }).finally(() => late.destroy())
    })
    expect(inFlight.received()).toBe('')

    inFlight.socket.write(account)
    await inFlight.closed
    expect(inFlight.received()).toMatch(/^HTTP\/1\.1 201 /)
    expect(await ledger.exited).toEqual({ code: 0, signal: null })
    expect(ledger.stdout()).toContain('"stopped"')
  })

  test('one that arrives twice, as Ctrl-C does under npm, is one', async () => {
    const ledger = await start()
    const inFlight = await open(ledger)
    inFlight.socket.write(head)
    await until(() => fetch(`${ledger.url}/healthz`).then(({ ok }) => ok))
    ledger.child.kill(signal)
    ledger.child.kill(signal)
    await until(() => ledger.stdout().includes('"stopping"'))
    inFlight.socket.write(account)
    expect(await ledger.exited).toEqual({ code: 0, signal: null })
    expect(inFlight.received()).toMatch(/^HTTP\/1\.1 201 /)
  })

  test('a second one ends it at once', async () => {
    const ledger = await start()
    const inFlight = await open(ledger)
    inFlight.socket.write(head)
    const ready = await open(ledger)
    ready.socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
    await until(() => ready.received().includes('"up"'))
    ledger.child.kill(signal)
    await until(() => ledger.stdout().includes('"stopping"'))
    // Once more and again, since what comes at the same time as the first is taken for the first.
    await until(() => !ledger.child.kill(signal))
    expect(await ledger.exited).toEqual({ code: 1, signal: null })
  })
})

test('while it stops, it says that it wants no more requests', async () => {
  const ledger = await start()
  const inFlight = await open(ledger)
  inFlight.socket.write(head)
  const prober = await open(ledger)
  // Half a request keeps this connection, too, from being idle.
  prober.socket.write('GET /readyz HTTP/1.1\r\n')
  await until(() => fetch(`${ledger.url}/healthz`).then(({ ok }) => ok))
  ledger.child.kill('SIGTERM')
  await until(() => ledger.stdout().includes('"stopping"'))
  prober.socket.write('Host: x\r\n\r\n')
  await until(() => prober.received().includes('}'))
  expect(prober.received()).toMatch(/^HTTP\/1\.1 503 [\s\S]*"code":"not-ready"/)
  inFlight.socket.write(account)
  expect(await ledger.exited).toEqual({ code: 0, signal: null })
})
