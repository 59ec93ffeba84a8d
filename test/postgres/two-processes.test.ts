// Two stores on one database, as two processes have them: what is seen of each other's transactions, and what guards where
// nothing is seen.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createReprise, reply } from 'reprise'
import {
  type Operation,
  type OperationRecord,
  systemRandomness,
  type Terms,
  type TransactionEnding,
} from 'reprise/engine'
import { idempotent } from 'reprise/fetch'
import type { Isolation } from 'reprise/postgres'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { describeWith, sharedPostgres } from '../services/services.ts'
import { type Outside, outside, ownDatabase, tableName } from './given.ts'
import { libraries, open, type Process, told } from './libraries.ts'

const describePostgres = await describeWith('postgres')
const policy = { name: 'order', guarantee: 'transactional' } as const
const levels: readonly (Isolation | undefined)[] = [undefined, 'read committed', 'repeatable read', 'serializable']

function anOperation(id: string): Operation {
  return { id, name: 'order', fingerprint: 'v1.same' }
}
function aTry(chosen: Partial<Terms> = {}): Terms {
  return {
    attemptId: systemRandomness.attemptId(),
    guarantee: 'transactional',
    leaseMs: 60_000,
    begun: false,
    ...chosen,
  }
}
const horizons = { retentionMs: 3_600_000, tombstoneMs: 86_400_000 }
const outcome = (text: string) => ({ status: 201, headers: [], body: new TextEncoder().encode(text) })
const kept = (text: string): TransactionEnding => ({
  kind: 'completed',
  effect: 'kept',
  outcome: outcome(text),
  ...horizons,
})
const bodyOf = (record: OperationRecord | undefined): string | undefined =>
  record?.state === 'completed' ? new TextDecoder().decode(record.outcome.body ?? undefined) : record?.state
const never = (): void => undefined

describePostgres('two processes', () => {
  let url = ''
  let seen: Outside
  const opened: Process[] = []
  beforeAll(async () => {
    url = await ownDatabase((await sharedPostgres()).url)
    seen = await outside(url)
  })
  afterAll(async () => {
    for (const process of opened) {
      await process.idle()
      await process.close()
    }
    await seen?.noLocks()
    await seen?.end()
  })

  async function two(settings: Parameters<typeof open>[2] = {}): Promise<readonly [Process, Process]> {
    const table = tableName()
    const pair = await Promise.all([
      open('pg', url, { table, busyTimeout: 20_000, ...settings }),
      open('postgres.js', url, { table, busyTimeout: 20_000, ...settings }),
    ])
    opened.push(...pair)
    return pair
  }
  const order = ({ reprise, exec }: Process, key: string, input?: unknown, handler?: () => Promise<unknown>) =>
    told(
      reprise.run(policy, { principal: 'p', key, input }, async ({ tx }) => {
        await exec(tx, 'insert into effects values ($1)', [key])
        await handler?.()
        return 'made'
      }),
    )

  test.each(levels)('50 duplicates over both, isolation %s: one effect', async (isolation) => {
    const pair = await two(isolation === undefined ? {} : { isolation })
    const key = tableName()
    const pause = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, Math.random() * 20))
    const ends = await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        await pause()
        return order(pair[n % 2] as Process, key, undefined, pause)
      }),
    )
    expect(ends.filter((end) => end === 'done made')).toHaveLength(1)
    // Whoever has looked before the first committed, and written after it, is told of the conflict where nothing else is known.
    const others = /^(?:replayed made|in-progress|threw transaction-conflict)$/
    expect(ends.filter((end) => end !== 'done made' && !others.test(end))).toEqual([])
    expect(await seen.effects(key)).toBe(1)
    expect(await Promise.all(pair.map((process) => order(process, key)))).toEqual(['replayed made', 'replayed made'])
  })

  test('what the other process has in flight is told: the same request waits, another is a mismatch', async () => {
    const [one, other] = await two()
    const key = tableName()
    let during: readonly string[] = []
    const first = await order(one, key, 'a', async () => {
      during = [await order(other, key, 'a'), await order(other, key, 'b'), await order(one, key, 'b')]
    })
    expect([first, ...during]).toEqual(['done made', 'in-progress', 'mismatch', 'mismatch'])
    expect(await order(other, key, 'b')).toBe('mismatch')
    expect(await order(other, key, 'a')).toBe('replayed made')
    expect(await seen.effects(key)).toBe(1)
  })

  test('over HTTP a mismatch with what is in flight elsewhere is a 422 that says no more than it knows', async () => {
    const [one, other] = await two()
    const key = tableName()
    const send = (process: Process, body: string, handler: () => Promise<unknown>) =>
      idempotent(createReprise({ store: process.store, principal: () => 'p' }), policy, async () => {
        await handler()
        return reply(201, 'made')
      })(new Request('http://localhost/orders', { method: 'POST', headers: { 'idempotency-key': key }, body }))
    let met: Response | undefined
    const first = await send(one, '{"a":1}', async () => {
      met = await send(other, '{"a":2}', async () => undefined)
    })
    expect([first.status, met?.status]).toEqual([201, 422])
    expect(await met?.json()).toMatchObject({ mismatch: ['unknown'] })
  })

  test('a misuse of the key at the same moment, here or there, takes no retry’s answer away', async () => {
    const pair = await two()
    const key = tableName()
    await order(pair[0], key, 'a')
    for (let round = 0; round < 50; round++) {
      const inputs = ['b', 'a', 'a', 'b', 'a', 'b', 'b', 'a']
      const ends = await Promise.all(inputs.map((input, n) => order(pair[n % 2] as Process, key, input)))
      expect(ends).toEqual(inputs.map((input) => (input === 'a' ? 'replayed made' : 'mismatch')))
    }
    expect(await seen.effects(key)).toBe(1)
  })

  test('two operations whose lock numbers collide run one after the other', async () => {
    const [one, other] = await two()
    const bytes = Buffer.alloc(32, 7)
    const id = (n: number): string => {
      const own = Buffer.from(bytes)
      own.writeUInt32BE(n, 0)
      return own.toString('base64url')
    }
    const [a, b] = [anOperation(id(1)), anOperation(id(2))]
    const first = await one.store.begin?.(a, aTry(), never)
    if (first?.kind !== 'granted') throw new Error('not granted')
    await one.exec(first.transaction.tx, 'insert into effects values ($1)', [a.id])
    // Taken for the same operation while it is in flight, which is as wrong as it is unlikely, and costs nothing but time.
    expect(await other.store.begin?.(b, aTry(), never)).toMatchObject({ kind: 'found', record: { state: 'running' } })
    expect(await first.transaction.end(kept('a'))).toMatchObject({ kind: 'committed' })
    const second = await other.store.begin?.(b, aTry(), never)
    if (second?.kind !== 'granted') throw new Error('not granted')
    await other.exec(second.transaction.tx, 'insert into effects values ($1)', [b.id])
    expect(await second.transaction.end(kept('b'))).toMatchObject({ kind: 'committed' })
    expect([await seen.effects(a.id), await seen.effects(b.id)]).toEqual([1, 1])
    expect(bodyOf(await one.store.find(b.id))).toBe('b')
  })

  test.each(levels)('where the locks are passed by, the primary key guards; isolation %s', async (isolation) => {
    const [one, other] = await two(isolation === undefined ? {} : { isolation })
    const operation = anOperation(Buffer.from(tableName().padEnd(32, '-')).subarray(0, 32).toString('base64url'))
    const begun = await one.store.begin?.(operation, aTry(), never)
    if (begun?.kind !== 'granted') throw new Error('not granted')
    await one.exec(begun.transaction.tx, 'insert into effects values ($1)', [operation.id])
    // A claim takes none of the locks.
    const terms = aTry()
    const claimed = await other.store.claim(operation, terms)
    expect(claimed.kind).toBe('granted')
    const claim = { id: operation.id, attemptId: terms.attemptId, fence: claimed.record.fence }
    await other.store.settle(claim, { kind: 'completed', outcome: outcome('other'), ...horizons })
    const ended = await begun.transaction.end(kept('one'))
    expect(ended.kind).toBe('superseded')
    expect('record' in ended && bodyOf(ended.record)).toBe('other')
    expect(await seen.effects(operation.id)).toBe(0)
  })

  test.each(levels)('a released operation is run again by one of two; isolation %s', async (isolation) => {
    const pair = await two(isolation === undefined ? {} : { isolation })
    const key = tableName()
    await expect(
      pair[0].reprise.run(policy, { principal: 'p', key }, () => Promise.reject(new Error('not now'))),
    ).rejects.toThrow('not now')
    const ends = await Promise.all(Array.from({ length: 20 }, (_, n) => order(pair[n % 2] as Process, key)))
    expect(ends.filter((end) => end === 'done made')).toHaveLength(1)
    expect(await seen.effects(key)).toBe(1)
  })

  test('a database whose own default is serializable loses nothing and refuses nobody', async () => {
    const strict = await ownDatabase(url, { default_transaction_isolation: 'serializable' })
    const table = tableName()
    const pair = await Promise.all(libraries.map((library) => open(library, strict, { table })))
    let effects = 0
    const charge = (process: Process, n: number) =>
      told(
        process.reprise.run({ name: 'charge', guarantee: 'guarded' }, { principal: 'p', key: `k${n}` }, async () => {
          effects++
          return 'made'
        }),
      )
    const ends = await Promise.all(Array.from({ length: 200 }, (_, n) => charge(pair[n % 2] as Process, n >> 2)))
    expect(ends.filter((end) => end === 'done made')).toHaveLength(50)
    expect(ends.filter((end) => !/^(?:done made|replayed made|in-progress)$/.test(end))).toEqual([])
    expect(effects).toBe(50)
    for (const process of pair) await process.close()
  })

  test.each(libraries)('a process that stands still loses its operation: %s', async (library) => {
    const table = tableName()
    const other = await open('pg', url, { table })
    opened.push(other)
    const key = tableName()
    const holder = fork(fileURLToPath(new URL('stalled-holder.ts', import.meta.url)), [library, url, table, key], {
      execArgv: ['--import', 'tsx', '--conditions=source'],
    })
    const [said] = await once(holder, 'message')
    expect(said).toBe('holding')
    holder.kill('SIGSTOP')
    expect(await order(other, key)).toBe('in-progress')
    const done = async (): Promise<void> => expect(await order(other, key)).toBe('done made')
    await vi.waitFor(done, { timeout: 10_000, interval: 50 })
    holder.send('go on')
    holder.kill('SIGCONT')
    const [ended] = await once(holder, 'message')
    expect(ended).toMatch(/^threw /)
    await once(holder, 'exit')
    expect(await seen.effects(key)).toBe(1)
    expect(await order(other, key)).toBe('replayed made')
  })
})
