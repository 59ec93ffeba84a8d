// The suite of stores finds what goes wrong in real ones: each planted bug makes its check fail, and without it the
// same store passes.
import assert from 'node:assert/strict'
import { type OpenedStore, storeConformance, type TestClock } from '@reprise/testkit'
import type { Ending, OperationRecord, Outcome, Store } from 'reprise/engine'
import { type MemoryStore, type MemoryTx, memory } from 'reprise/memory'
import { describe, test } from 'vitest'
import { type VersionedTable, versionedStore } from './versioned-store.ts'

type Steps = { readonly [K in keyof Store<MemoryTx>]?: unknown }

/** The memory store with some of its steps replaced. */
function planted(clock: TestClock, bug: (store: MemoryStore) => Steps): OpenedStore<MemoryTx> {
  const inner = memory({ clock })
  const steps = bug(inner)
  const store = new Proxy<Store<MemoryTx>>(inner, {
    get: (target, name) => {
      if (name in steps) return steps[name as keyof Steps]
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const effects = {
    get: (tx: MemoryTx, key: string) => tx.get(key) as string | undefined,
    set: (tx: MemoryTx, key: string, value: string) => tx.set(key, value),
    committed: (key: string) => inner.data.get(key) as string | undefined,
  }
  return { store, effects, dispose: () => store.close() }
}

type Open = (context: { clock: TestClock }) => Promise<OpenedStore<MemoryTx>>

/** The checks of the suite by their names. */
function checksOf(open: Open, exempt: readonly string[]): ReadonlyMap<string, () => Promise<void>> {
  const checks = new Map<string, () => Promise<void>>()
  storeConformance((name, run) => checks.set(name, run), open, {
    exempt: exempt.map((name) => ({ name, reason: 'not what this is about' })),
    seed: 1,
  })
  return checks
}

async function expectFailure(open: Open, exempt: readonly string[], check: string): Promise<void> {
  const run = checksOf(open, exempt).get(check)
  assert.ok(run, `there is a check "${check}"`)
  await assert.rejects(run(), `"${check}" finds it`)
}

/** Changes the outcome of every completion on its way in. */
const keeping = (change: (outcome: Outcome) => Outcome): ((store: MemoryStore) => Steps) => {
  return (store) => ({
    settle: (claim: never, ending: Ending) =>
      store.settle(claim, ending.kind === 'completed' ? { ...ending, outcome: change(ending.outcome) } : ending),
  })
}
const text = (bytes: Uint8Array | null): Buffer | null => bytes && Buffer.from(Buffer.from(bytes).toString())

const bugs: Readonly<Record<string, { readonly bug: (store: MemoryStore) => Steps; readonly found: string }>> = {
  'a claim that is not told of another fingerprint': {
    bug: (store) => ({
      claim: async (operation: never, terms: never) => {
        const { id } = operation as { id: string }
        const record = await store.find(id)
        return store.claim({ ...(operation as object), fingerprint: record?.fingerprint ?? 'v1' } as never, terms)
      },
    }),
    found: 'claims: a released operation stays bound to its fingerprint',
  },
  'a claim that does not recognise itself': {
    bug: (store) => ({
      claim: async (operation: never, terms: { attemptId: string }) => {
        const record = await store.find((operation as { id: string }).id)
        const again = record?.state === 'running' && record.attemptId === terms.attemptId
        return again ? { kind: 'found', record, changed: false } : store.claim(operation, terms as never)
      },
    }),
    found: 'claims: a claim whose acknowledgement was lost recognises itself',
  },
  'a settlement that compares the fence alone': {
    bug: (store) => ({
      settle: async (claim: { id: string }, ending: Ending) => {
        const record = await store.find(claim.id)
        return store.settle({ ...claim, attemptId: record?.attemptId } as never, ending)
      },
    }),
    found: 'fencing: a completion by another attempt changes nothing',
  },
  'a settlement that compares the attempt alone': {
    bug: (store) => ({
      settle: async (claim: { id: string }, ending: Ending) => {
        const record = await store.find(claim.id)
        return store.settle({ ...claim, fence: record?.fence } as never, ending)
      },
    }),
    found: 'fencing: a completion under an older fence changes nothing',
  },
  'a lapsed lease that is run over, begun or not': {
    bug: (store) => ({
      claim: async (operation: never, terms: never) => {
        const result = await store.claim(operation, terms)
        const { record } = result
        if (record.state !== 'unknown' || record.reason !== 'lease-lapsed') return result
        const ending = { kind: 'released', proof: 'not-applied', retentionMs: 1, tombstoneMs: 1 } as const
        await store.resolve(record.id, record.fence, ending)
        return store.claim(operation, terms)
      },
    }),
    found: 'leases: a lapsed guarded claim whose effect began turns unknown, and stays so',
  },
  'a renewal that may shorten': {
    bug: (store) => {
      const shortened = new Map<string, number>()
      return {
        renew: (claim: { id: string }, leaseMs: number) => {
          shortened.set(claim.id, leaseMs)
          return store.renew(claim as never, leaseMs)
        },
        find: async (id: string) => {
          const record = await store.find(id)
          const leaseMs = shortened.get(id)
          if (record?.state !== 'running' || leaseMs === undefined) return record
          return { ...record, leaseUntilMs: record.claimedAtMs + leaseMs }
        },
      }
    },
    found: 'writes: a renewal never shortens the lease',
  },
  'a body that is kept as text': {
    bug: keeping((outcome) => ({ ...outcome, body: text(outcome.body) })),
    found: 'outcomes: a body keeps every byte',
  },
  'an empty body that is kept as none': {
    bug: keeping((outcome) => ({ ...outcome, body: outcome.body?.byteLength === 0 ? null : outcome.body })),
    found: 'outcomes: a body of zero bytes is not no body',
  },
  'headers that are kept as an object': {
    bug: keeping((outcome) => ({ ...outcome, headers: Object.entries(Object.fromEntries(outcome.headers)) })),
    found: 'outcomes: header lines keep order, case, repetition and text',
  },
  'a sweep without a limit': {
    bug: (store) => ({ sweep: () => store.sweep(1e9) }),
    found: 'sweeping: a sweep retires at most as many as it is told',
  },
  'a step that throws in place of rejecting': {
    bug: (store) => {
      let closed = false
      return {
        close: () => {
          closed = true
          return store.close()
        },
        renew: (claim: never, leaseMs: number) => {
          if (closed) throw Object.assign(new Error('closed'), { code: 'store-closed' })
          return store.renew(claim, leaseMs)
        },
      }
    },
    found: 'lifecycle: a closed store refuses every step',
  },
  'a watch that leaves its listener behind': {
    bug: (store) => ({
      watch: (id: string, signal: AbortSignal) => {
        signal.addEventListener('abort', () => undefined)
        return store.watch(id, signal)
      },
    }),
    found: 'watching: a watch is told of a completion',
  },
  'a transaction that writes at once': {
    bug: (store) => ({
      begin: async (operation: never, terms: never, lost: () => void) => {
        const result = await store.begin(operation, terms, lost)
        if (result.kind === 'found') return result
        const { transaction } = result
        const tx = {
          get: (key: string) => store.data.get(key),
          set: (key: string, value: unknown) => store.data.set(key, value),
        }
        const end = transaction.end.bind(transaction)
        return { kind: 'granted', transaction: { tx, fence: transaction.fence, number: transaction.number, end } }
      },
    }),
    found: 'transactions: a refusal is kept, and its effect is undone',
  },
  'a transaction in flight whose fingerprint is not told': {
    bug: (store) => ({
      begin: async (operation: { fingerprint: string }, terms: never, lost: () => void) => {
        const result = await store.begin(operation as never, terms, lost)
        if (result.kind !== 'found' || result.record.state !== 'running') return result
        return { kind: 'found', record: { ...result.record, fingerprint: operation.fingerprint } }
      },
    }),
    found: 'transactions: a transaction in flight is found running by its own fingerprint and by any other',
  },
  'an erased outcome that expires when it would have': {
    bug: (store) => {
      const erased = new Map<string, OperationRecord>()
      return {
        erase: async (id: string) => {
          const record = await store.find(id)
          if (record !== undefined) erased.set(id, record)
          return store.erase(id)
        },
        find: async (id: string) => {
          const [record, before] = [await store.find(id), erased.get(id)]
          if (record?.state !== 'expired' || before?.state !== 'completed') return record
          return { ...record, expiredAtMs: before.retainUntilMs }
        },
      }
    },
    found: 'lives: 30 random lives leave the records that the model leaves',
  },
}

describe('planted in the memory store', () => {
  test.for(Object.entries(bugs))('%s is found', async ([, { bug, found }]) => {
    await expectFailure(async ({ clock }) => planted(clock, bug), ['durable'], found)
  })

  test('without a bug the same store passes', async () => {
    for (const run of checksOf(async ({ clock }) => planted(clock, () => ({})), ['durable']).values()) await run()
  })
})

/** A table that breaks one of its promises. */
function tableThat(broken: { readonly ignoresVersions?: true; readonly forgets?: string }): VersionedTable {
  const rows = new Map<string, { value: string; version: number }>()
  const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  return {
    get: (id) => later().then(() => (id === broken.forgets ? undefined : rows.get(id))),
    put: async (id, value, version) => {
      await later()
      if (broken.ignoresVersions !== true && id !== broken.forgets && (rows.get(id)?.version ?? 0) !== version)
        return false
      rows.set(id, { value, version: version + 1 })
      return true
    },
    delete: (id) => later().then(() => rows.delete(id)),
    ids: () => later().then(() => [...rows.keys()]),
  }
}

describe('planted in the store of the guide', () => {
  const without = ['transactional', 'durable', 'watch']
  const over = (table: VersionedTable): Open => {
    return async ({ clock }) => {
      const store = versionedStore(table, clock)
      return { store, dispose: () => store.close() }
    }
  }

  test('get and then set, without a condition, is found', async () => {
    const race = 'races: of 200 claims of one operation one is granted'
    await expectFailure(over(tableThat({ ignoresVersions: true })), without, race)
  })

  test('fences that start again after a sweep are found', async () => {
    const growth = 'sweeping: a fence grows over release, expiry, sweep and return'
    await expectFailure(over(tableThat({ forgets: 'fence-floor' })), without, growth)
  })
})
