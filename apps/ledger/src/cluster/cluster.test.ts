// Several processes behind one address, as operators see them: how they start, die, come back and stop.
import { connect } from 'node:net'
import { Agent, request } from 'undici'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { describeWith } from '../../../../test/services/services.ts'
import { type FreshDatabase, freshSchemas } from '../../testing/databases.ts'
import { buildLedger, runCluster, type ServingLedger, startCluster } from '../../testing/process.ts'
import type { Health } from '../health.ts'

beforeAll(buildLedger, 120_000)

const ANSWER_TIMEOUT_MS = 3000

/** Whoever asks on a new connection is answered by the next process. */
const oncePerConnection = new Agent({ pipelining: 0 })

async function ask(url: string, path: string, post?: { key: string; body: object }): Promise<[number, string]> {
  const { statusCode, body } = await request(`${url}${path}`, {
    dispatcher: oncePerConnection,
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    reset: true,
    method: post === undefined ? 'GET' : 'POST',
    headers: {
      authorization: 'Bearer demo-key',
      ...(post === undefined ? {} : { 'idempotency-key': post.key, 'content-type': 'application/json' }),
    },
    body: post === undefined ? null : JSON.stringify(post.body),
  })
  return [statusCode, await body.text()]
}

/** The processes that answer, by their numbers. */
async function members({ url }: ServingLedger): Promise<Map<number, number>> {
  const found = new Map<number, number>()
  for (let asked = 0; asked < 12; asked++) {
    // A connection that was on its way to a process when it was killed is neither answered nor closed.
    const answer = await ask(url, '/health').catch(() => undefined)
    if (answer === undefined) continue
    const { process } = JSON.parse(answer[1]) as Health
    found.set(process.number, process.pid)
  }
  return found
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Whether a new connection is. */
function isRefused(port: number): Promise<boolean> {
  const late = connect(port, '127.0.0.1')
  return new Promise<boolean>((resolve) => {
    late.on('connect', () => resolve(false)).on('error', () => resolve(true))
  }).finally(() => late.destroy())
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10))
}

const describePostgres = await describeWith('postgres')

describePostgres('a cluster', () => {
  const make = freshSchemas()
  let fresh: FreshDatabase
  let cluster: ServingLedger

  beforeEach(async () => {
    fresh = await make()
    const url = fresh.place.kind === 'postgres' ? fresh.place.url : ''
    cluster = await startCluster({ DATABASE_URL: url, LOG_LEVEL: 'warn' }, 3)
  })
  afterEach(async () => {
    await cluster.kill('SIGKILL')
    await fresh.remove()
  })

  test('all answer at one address; one that dies is replaced, and its answers are known to the others', async () => {
    const before = await members(cluster)
    expect([1, 2, 3].filter((number) => before.has(number))).toEqual([1, 2, 3])
    expect(new Set(before.values()).size).toBe(3)
    const opening = { key: 'open', body: { id: 'a', owner: 'a', currency: 'EUR' } }
    const answers = await Promise.all(Array.from({ length: 9 }, () => ask(cluster.url, '/v1/accounts', opening)))
    const done = answers.filter(([status]) => status === 201)
    expect(new Set(done.map(([, text]) => text)).size).toBe(1)

    process.kill(before.get(2) as number, 'SIGKILL')
    await until(async () => ((await members(cluster)).get(2) ?? before.get(2)) !== before.get(2))
    const after = await members(cluster)
    expect([after.get(1), after.get(3)]).toEqual([before.get(1), before.get(3)])
    expect(cluster.stdout()).toMatch(/"signal":"SIGKILL","pauseMs":50,"msg":"a process has ended/)
    for (let asked = 0; asked < 3; asked++) {
      expect(await ask(cluster.url, '/v1/accounts', opening)).toEqual([201, done[0]?.[1]])
    }
  })

  test('SIGTERM: what is in flight is answered, all end, and the exit code is 0', async () => {
    const pids = [...(await members(cluster)).values()]
    const body = JSON.stringify({ id: 'late', owner: 'late', currency: 'EUR' })
    let received = ''
    const socket = connect(cluster.port, '127.0.0.1').setEncoding('utf8')
    const closed = new Promise((resolve) => socket.on('close', resolve))
    socket.on('data', (text: string) => {
      received += text
    })
    socket.write(
      'POST /v1/accounts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer demo-key\r\nIdempotency-Key: late\r\n' +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
    )
    // Taken by one of them, as its successors on the list have answered since.
    await members(cluster)
    cluster.child.kill('SIGTERM')
    await until(() => isRefused(cluster.port))
    expect(received).toBe('')
    socket.write(body)
    await closed
    expect(received).toMatch(/^HTTP\/1\.1 201 /)
    expect(await cluster.exited).toEqual({ code: 0, signal: null })
    expect(pids.filter(isAlive)).toEqual([])
  })

  test('when the primary is killed, its workers do not stay behind', async () => {
    const pids = [...(await members(cluster)).values()]
    await cluster.kill('SIGKILL')
    await until(() => !pids.some(isAlive))
  })
})

test.for([
  ['SQLite', {}, [], /need PostgreSQL: set DATABASE_URL/],
  ['a number that is none', {}, ['--processes', 'many'], /--processes takes a whole number/],
  ['a bad value', { DATABASE_URL: 'mysql://s3cret@host/x' }, [], /DATABASE_URL has to be the URL/],
  [
    'no server',
    { DATABASE_URL: 'postgres://me:s3cret@127.0.0.1:1/x' },
    [],
    /can't start\. PostgreSQL could not be reached/,
  ],
] as const)('a start that can’t be, %s: exit code 1 and a sentence', async ([, environment, args, sentence]) => {
  const cluster = runCluster({ PORT: '0', ...environment }, ...args)
  expect(await cluster.exited).toEqual({ code: 1, signal: null })
  expect(cluster.stderr()).toMatch(sentence)
  expect(cluster.stderr()).not.toMatch(/s3cret| at .*\.js:/)
})
