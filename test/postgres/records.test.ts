// Thousands of records: lists that miss none, sweeps that take no more than they are told and stand in nobody's way, and what a
// record weighs.
import { hash } from 'node:crypto'
import { TestClock } from '@reprise/testkit'
import type pg from 'pg'
import type { Operation, Store, Terms } from 'reprise/engine'
import { postgres } from 'reprise/postgres'
import { afterAll, expect, test } from 'vitest'
import { describeWith } from '../services/services.ts'
import { CuttablePool, tableName } from './given.ts'
import { database } from './wired.ts'

const describePostgres = await describeWith('postgres')
const hour = 3_600_000
const seed = Number(process.env.SEED ?? Date.now())

/** Numbers that the seed alone decides. */
function random(): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

describePostgres(`thousands of records (SEED=${seed})`, () => {
  const its = database()
  const pools: pg.Pool[] = []
  afterAll(async () => void (await Promise.all(pools.map((pool) => pool.end()))))

  function storeOf(table: string, clock: TestClock): Store<unknown> {
    const pool = new CuttablePool(its.url, { max: 5 })
    pools.push(pool)
    return postgres({ pool, table, clock }) as Store<unknown>
  }
  const operation = (n: number): Operation => ({
    id: hash('sha256', `record ${n}`, 'base64url'),
    name: `kind.${n % 3}`,
    fingerprint: `v1:${n}`,
  })
  const terms = (n: number): Terms => ({
    attemptId: hash('sha256', `attempt ${n}`, 'buffer').subarray(0, 16).toString('base64url'),
    guarantee: 'guarded',
    leaseMs: 60_000,
    begun: false,
  })
  type Made = 'running' | 'completed' | 'released' | 'unknown'
  async function make(store: Store<unknown>, n: number, state: Made, retentionMs = hour): Promise<void> {
    const { record } = await store.claim(operation(n), terms(n))
    const claim = { id: record.id, attemptId: record.attemptId, fence: record.fence }
    const horizons = { retentionMs, tombstoneMs: 10 * hour }
    const outcome = { status: 201, headers: [], body: new TextEncoder().encode(`{"n":${n}}`) }
    if (state === 'completed') await store.settle(claim, { kind: 'completed', outcome, ...horizons })
    if (state === 'released') await store.settle(claim, { kind: 'released', proof: 'not-begun', ...horizons })
    if (state === 'unknown') await store.settle(claim, { kind: 'unknown', reason: 'handler-failed' })
  }
  async function listed(store: Store<unknown>, options: Parameters<Store['list']>[0]): Promise<string[]> {
    const ids: string[] = []
    let cursor: string | undefined
    do {
      const page = await store.list({ ...options, ...(cursor === undefined ? {} : { cursor }) })
      expect(page.items.length).toBeLessThanOrEqual(options.limit ?? 100)
      ids.push(...page.items.map(({ id }) => id))
      cursor = page.next
    } while (cursor !== undefined)
    return ids
  }

  test('lists and sweeps agree with a model, whatever was made, and two sweepers share the work', async () => {
    const draw = random()
    const clock = new TestClock()
    const table = tableName()
    const stores = [storeOf(table, clock), storeOf(table, clock)] as const
    await stores[0].migrate()
    const states: readonly Made[] = ['running', 'completed', 'completed', 'completed', 'released', 'unknown']
    const made = Array.from({ length: 3000 }, (_, n) => ({
      n,
      state: states[Math.floor(draw() * states.length)] as Made,
      retentionMs: Math.ceil(draw() * 4) * hour,
    }))
    await Promise.all(
      made.map(({ n, state, retentionMs }) => make(stores[n % 2] as Store<unknown>, n, state, retentionMs)),
    )

    const expectLists = async (nowMs: number): Promise<void> => {
      const stateOf = ({ state, retentionMs }: (typeof made)[number]): string | undefined => {
        if (state === 'completed')
          return nowMs < retentionMs ? state : nowMs < retentionMs + 10 * hour ? 'expired' : undefined
        return state === 'released' && nowMs >= retentionMs + 10 * hour ? undefined : state
      }
      for (const state of [undefined, 'running', 'completed', 'released', 'unknown', 'expired'] as const) {
        const name = draw() < 0.5 ? undefined : `kind.${Math.floor(draw() * 3)}`
        const limit = 1 + Math.floor(draw() * 1000)
        const wanted = made
          .filter((one) => stateOf(one) !== undefined && (state ?? stateOf(one)) === stateOf(one))
          .filter(({ n }) => name === undefined || operation(n).name === name)
          .map(({ n }) => operation(n).id)
        const options = { limit, ...(state === undefined ? {} : { state }), ...(name === undefined ? {} : { name }) }
        const found = await listed(stores[draw() < 0.5 ? 0 : 1], options)
        expect(found.length, JSON.stringify(options)).toBe(new Set(found).size)
        expect(found.toSorted(), JSON.stringify(options)).toEqual(wanted.toSorted())
      }
    }
    const dueAt = (nowMs: number): { expired: number; forgotten: number } => ({
      expired: made.filter(({ state, retentionMs }) => state === 'completed' && nowMs >= retentionMs).length,
      forgotten: 0,
    })

    await expectLists(0)
    await clock.advance(2 * hour)
    await expectLists(2 * hour)

    // No more than it is told, although much more is due.
    const bounded = await stores[0].sweep(137)
    expect(bounded).toEqual({ expired: 137, forgotten: 0 })
    await expectLists(2 * hour)

    // Two at once: together they retire each once, while claims go on beside them.
    const claims = Promise.all(Array.from({ length: 200 }, (_, n) => make(stores[0], 10_000 + n, 'running')))
    const swept = [bounded]
    for (let left = true; left; ) {
      const both = await Promise.all(stores.map((store) => store.sweep(500)))
      swept.push(...both)
      left = both.some(({ expired, forgotten }) => expired + forgotten > 0)
    }
    await claims
    for (let n = 0; n < 200; n++) made.push({ n: 10_000 + n, state: 'running', retentionMs: hour })
    const sum = (what: 'expired' | 'forgotten'): number => swept.reduce((total, one) => total + one[what], 0)
    expect({ expired: sum('expired'), forgotten: sum('forgotten') }).toEqual(dueAt(2 * hour))
    await expectLists(2 * hour)

    // Past every tombstone only what never ages is left.
    await clock.advance(20 * hour)
    while ((await stores[1].sweep(2000)).forgotten > 0) await expectLists(22 * hour)
    await expectLists(22 * hour)
    const { n } = await its.seen.one(`select count(*)::int as n from ${table}`)
    expect(n).toBe(made.filter(({ state }) => state === 'running' || state === 'unknown').length)
  })

  test('a list that is read while records come and go misses none that stayed', async () => {
    const clock = new TestClock()
    const table = tableName()
    const store = storeOf(table, clock)
    await store.migrate()
    await Promise.all(Array.from({ length: 500 }, (_, n) => make(store, n, 'unknown')))
    let reading = true
    const churn = (async () => {
      for (let n = 1000; reading; n++) await make(store, n, n % 2 === 0 ? 'completed' : 'released', 1)
    })()
    const found = new Set(await listed(store, { limit: 20 }))
    reading = false
    await churn
    for (let n = 0; n < 500; n++) expect(found.has(operation(n).id), String(n)).toBe(true)
  })

  test('a refusal is not taken for an outcome that the same attempt left before, and that is long forgotten', async () => {
    const clock = new TestClock()
    const store = storeOf(tableName(), clock)
    await store.migrate()
    const undo = async (retentionMs: number, status: number) => {
      const begun = await store.begin?.(operation(1), { ...terms(1), guarantee: 'transactional' }, () => undefined)
      if (begun?.kind !== 'granted') throw new Error('not granted')
      const outcome = { status, headers: [], body: null }
      return begun.transaction.end({ kind: 'completed', effect: 'undone', outcome, retentionMs, tombstoneMs: hour })
    }
    expect(await undo(hour, 409)).toMatchObject({ kind: 'committed', record: { outcome: { status: 409 } } })
    await clock.advance(3 * hour)
    expect(await undo(hour, 422)).toMatchObject({ kind: 'committed', record: { outcome: { status: 422 } } })
    expect(await store.find(operation(1).id)).toMatchObject({ state: 'completed', outcome: { status: 422 } })
  })

  test('a cursor that nobody gave out begins at the beginning', async () => {
    const store = storeOf(tableName(), new TestClock())
    await store.migrate()
    await make(store, 1, 'unknown')
    for (const cursor of ['', 'x', "'; drop table y; --", 'f'.repeat(31)]) {
      expect((await store.list({ cursor })).items).toHaveLength(1)
    }
    expect((await store.list({ cursor: 'f'.repeat(32) })).items).toHaveLength(0)
  })
})
