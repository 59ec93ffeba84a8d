// Duplicates that wait for an attempt in another process: woken by the server, not by looking all the time, and answered also
// where nobody wakes them.
import pg from 'pg'
import { createReprise, reply } from 'reprise'
import { type Clock, systemClock } from 'reprise/engine'
import { idempotent } from 'reprise/fetch'
import { expect, test, vi } from 'vitest'
import { describeWith } from '../services/services.ts'
import { tableName } from './given.ts'
import { libraries, open, type Process, told } from './libraries.ts'
import { wiredDatabase } from './wired.ts'

const describePostgres = await describeWith('postgres')

const looks = /pg_try_advisory_xact_lock\(\$?-?\d|execute reprise_look/
const exchanges = /with asked as/
const waiters =
  "from pg_locks where locktype = 'advisory' and mode = 'ShareLock' and " +
  'database = (select oid from pg_database where datname = current_database())'

describePostgres('waiting for another process', () => {
  const its = wiredDatabase()

  /** A holder, and a waiter whose statements are counted. */
  async function withPair(
    library: (typeof libraries)[number],
    check: (holder: Process, waiter: Process, key: string) => Promise<void>,
    clock?: Clock,
  ): Promise<void> {
    const table = tableName()
    const holder = await open('pg', its.url, { table })
    const waiter = await open(library, its.wire.url, clock === undefined ? { table } : { table, clock })
    its.wire.forget()
    try {
      await check(holder, waiter, tableName())
      await its.seen.noLocks()
    } finally {
      await waiter.close()
      await holder.close()
    }
  }
  const guarantees = ['transactional', 'guarded'] as const
  const run = (
    { reprise }: Process,
    guarantee: (typeof guarantees)[number],
    key: string,
    handler: () => Promise<unknown>,
  ) =>
    told(
      reprise.run(
        { name: 'order', guarantee, onConcurrent: { waitUpTo: '20s' } },
        { principal: 'p', key },
        async () => (await handler()) ?? 'made',
      ),
    )
  /** A handler that holds the operation until it is let go. */
  function hold() {
    let letGo: () => void = () => undefined
    let begun: () => void = () => undefined
    const going = new Promise<void>((resolve) => {
      letGo = resolve
    })
    const held = new Promise<void>((resolve) => {
      begun = resolve
    })
    return {
      held,
      letGo: () => letGo(),
      handler: () => {
        begun()
        return going
      },
    }
  }
  const pause = (ms: number): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, ms))
  /** Resolves when somebody has said that they wait. */
  const locked = (): Promise<void> =>
    vi.waitFor(async () => expect((await its.seen.one(`select count(*)::int as n ${waiters}`)).n).toBe(1), 3000)
  /** Its timers never come: whoever would look again after a while does not, and only being told is left. */
  const timeless: Clock = { ...systemClock, after: () => () => undefined }
  const mustNotRun = (): Promise<never> => Promise.reject(new Error('ran twice'))

  for (const library of libraries) {
    test.each(guarantees)(`${library}, %s: whoever waits is woken, and looks a few times at most`, (guarantee) =>
      withPair(
        library,
        async (holder, waiter, key) => {
          const { held, letGo, handler } = hold()
          const first = run(holder, guarantee, key, handler)
          await held
          const second = run(waiter, guarantee, key, mustNotRun)
          await locked()
          const asked = its.wire.seen(looks) + its.wire.seen(exchanges)
          expect(asked).toBeLessThan(5)
          letGo()
          expect(await first).toBe('done made')
          expect(await second).toBe('replayed made')
          expect(its.wire.seen(looks) + its.wire.seen(exchanges)).toBeLessThan(asked + 4)
          // It would let go of its locks after a while, too.
          await waiter.store.close()
        },
        timeless,
      ),
    )

    test(`${library}: whoever waits while the connection that listens is ended gets the answer all the same`, () =>
      withPair(library, async (holder, waiter, key) => {
        const { held, letGo, handler } = hold()
        const first = run(holder, 'transactional', key, handler)
        await held
        const second = run(waiter, 'transactional', key, mustNotRun)
        for (let times = 0; times < 3; times++) {
          await locked()
          await its.seen.pool.query(`select pg_terminate_backend(pid) ${waiters}`)
          await pause(50)
        }
        await locked()
        letGo()
        expect([await first, await second]).toEqual(['done made', 'replayed made'])
        await waiter.store.close()
        await waiter.idle()
      }))

    test(`${library}: an attempt that is given up wakes whoever waits, who runs`, () =>
      withPair(library, async (holder, waiter, key) => {
        const { held, letGo, handler } = hold()
        const first = run(holder, 'transactional', key, async () => {
          await handler()
          throw new Error('not today')
        })
        await held
        const second = run(waiter, 'transactional', key, async () => undefined)
        await pause(300)
        letGo()
        expect([await first, await second]).toEqual(['threw not today', 'done made'])
      }))
  }

  test('over HTTP the duplicate in the other process gets the first answer, byte for byte', () =>
    withPair('pg', async (holder, waiter, key) => {
      const { held, letGo, handler } = hold()
      const post = ({ store }: Process, work: () => Promise<unknown>) =>
        idempotent(
          createReprise({ store, principal: () => 'p' }),
          { name: 'order', guarantee: 'transactional', onConcurrent: { waitUpTo: '10s' } },
          async () => {
            await work()
            return reply(201, { made: Math.random() }, { location: '/orders/1' })
          },
        )(new Request('http://localhost/orders', { method: 'POST', headers: { 'idempotency-key': key }, body: '{}' }))
      const first = post(holder, handler)
      await held
      const second = post(waiter, mustNotRun)
      await pause(100)
      letGo()
      const [one, other] = await Promise.all([first, second])
      expect([one.status, other.status]).toEqual([201, 201])
      expect(await other.text()).toBe(await one.text())
      expect(other.headers.get('location')).toBe('/orders/1')
    }))

  test('550 who wait share one connection and take no more than 500 locks, and are all answered', () =>
    withPair('pg', async (holder, waiter, key) => {
      const count = 550
      const holds = Array.from({ length: count }, hold)
      const firsts = holds.map(({ handler }, n) => run(holder, 'guarded', `${key}${n}`, handler))
      await Promise.all(holds.map(({ held }) => held))
      const seconds = holds.map((_, n) => run(waiter, 'guarded', `${key}${n}`, mustNotRun))
      await vi.waitFor(
        async () =>
          expect(
            await its.seen.one(`select count(*)::int as locks, count(distinct pid)::int as sessions ${waiters}`),
          ).toEqual({
            locks: 500,
            sessions: 1,
          }),
        5000,
      )
      for (const { letGo } of holds) letGo()
      expect(new Set(await Promise.all(firsts))).toEqual(new Set(['done made']))
      expect(new Set(await Promise.all(seconds))).toEqual(new Set(['replayed made']))
      await vi.waitFor(
        async () => expect(await its.seen.one(`select count(*)::int as n ${waiters}`)).toEqual({ n: 0 }),
        2000,
      )
    }))

  test('nobody is notified while nobody waits', () =>
    withPair('pg', async (holder, waiter, key) => {
      const { held, letGo, handler } = hold()
      const first = run(holder, 'transactional', key, handler)
      await held
      const second = run(waiter, 'transactional', key, mustNotRun)
      const channel = await vi.waitFor(() => {
        const text = its.wire.last(/^listen /)
        if (text === undefined) throw new Error('nobody listens')
        return text
      })
      const witness = new pg.Client({ connectionString: its.url })
      await witness.connect()
      let notified = 0
      witness.on('notification', () => notified++)
      await witness.query(channel)

      const ends = await Promise.all(
        Array.from({ length: 200 }, (_, n) =>
          run(holder, n % 2 === 0 ? 'transactional' : 'guarded', `${key}${n}`, async () => undefined),
        ),
      )
      expect(new Set(ends)).toEqual(new Set(['done made']))
      await pause(100)
      await witness.query('select 1')
      expect(notified).toBe(0)

      await vi.waitFor(async () => expect((await its.seen.one(`select count(*)::int as n ${waiters}`)).n).toBe(1))
      letGo()
      await Promise.all([first, second])
      await vi.waitFor(() => expect(notified).toBe(1))
      await witness.end()
    }))
})
