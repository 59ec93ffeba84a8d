// How the suite itself behaves: what it demands, and how a store is exempt from it.
import { memory } from 'reprise/memory'
import { describe, expect, test } from 'vitest'
import { type Exemption, storeConformance } from './store-conformance.ts'
import type { OpenStore } from './subject.ts'

const open: OpenStore<unknown> = async ({ clock }) => {
  const store = memory({ clock })
  return { store, dispose: () => store.close() }
}

function checksWith(exempt: readonly Exemption[], by: OpenStore<unknown> = open): Map<string, () => Promise<void>> {
  const checks = new Map<string, () => Promise<void>>()
  storeConformance((name, run) => checks.set(name, run), by, { exempt })
  return checks
}

const reason = 'a reason'
const oneCheck = 'claims: operations are independent'

describe('exemptions', () => {
  test('nothing is exempt unless told', () => {
    const names = [...checksWith([]).keys()]
    expect(names.length).toBeGreaterThan(200)
    expect(new Set(names.map((name) => name.split(':')[0]))).toContain('crashes')
  })

  test.for(['transactional', 'durable', 'watch', 'virtual time'])(
    'an exemption from %s leaves out what needs it',
    (name) => {
      const [all, fewer] = [checksWith([]), checksWith([{ name, reason }])]
      expect(fewer.size).toBeLessThan(all.size)
      expect([...fewer.keys()].every((check) => all.has(check))).toBe(true)
    },
  )

  test('an exemption from a check says its reason, and demands that the check fails', async () => {
    const broken: OpenStore<unknown> = () => Promise.reject(new Error('it does not even open'))
    const title = `${oneCheck} (exempt: ${reason})`
    await checksWith([{ name: oneCheck, reason }], broken).get(title)?.()
    await expect(checksWith([{ name: oneCheck, reason }]).get(title)?.()).rejects.toThrow('drop the exemption')
  })

  test('an exemption that names nothing is refused', () => {
    expect(() => checksWith([{ name: 'transactionall', reason }])).toThrow('no ability or check "transactionall"')
  })

  test('an exemption without a reason is refused', () => {
    expect(() => checksWith([{ name: 'durable', reason: ' ' }])).toThrow('needs a reason')
  })

  test('an exemption from what the store can do is a failure', async () => {
    const checks = checksWith([
      { name: 'watch', reason },
      { name: 'durable', reason },
    ])
    await expect(checks.get('lifecycle: a store says what it can do as it does it')?.()).rejects.toThrow(
      "exemption from 'watch'",
    )
  })
})

test('a store is disposed of after every check, failed or not', async () => {
  let opened = 0
  let disposed = 0
  const counting: OpenStore<unknown> = async (context) => {
    opened++
    const made = await open(context)
    return {
      ...made,
      store: opened % 2 === 0 ? made.store : { ...made.store, claim: () => Promise.reject(new Error('broken')) },
      dispose: async () => {
        disposed++
        await made.dispose()
      },
    }
  }
  const checks = checksWith([], counting)
  for (const name of [oneCheck, 'claims: another attempt finds the outcome'])
    await checks
      .get(name)?.()
      .catch(() => undefined)
  expect([opened, disposed]).toEqual([2, 2])
})
