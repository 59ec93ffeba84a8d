// The embedded store on a disk that loses power, and in a process that is killed at every write: nothing acknowledged is
// lost, effect and record are there together or not at all, and the file is sound.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'libsql'
import { createReprise } from 'reprise'
import { sqlite } from 'reprise/sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { acknowledged, type Entry, type Loss, powerCut, readJournal } from './disk.ts'

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const compiler = ['cc', 'gcc', 'clang'].find((name) => spawnSync(name, ['--version']).status === 0)
const rounds = 6
/** `npm run power-cut` cuts after every single write; the gate takes samples. */
const everyWrite = process.env.EVERY_WRITE === 'true'
const stepOf = (entries: number, samples: number): number =>
  everyWrite ? 1 : Math.max(1, Math.floor(entries / samples))
let folder: string
let recorder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'reprise-power-'))
  recorder = join(folder, 'recorder.so')
  if (compiler === undefined) return
  execFileSync(compiler, ['-shared', '-fPIC', '-O1', '-o', recorder, here('./recorder.c'), '-ldl', '-lpthread'])
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** Runs the workload under the recorder, in a new folder. */
function run(name: string, env: Record<string, string>): { at: string; journal: string } {
  const at = join(folder, name)
  mkdirSync(at)
  const journal = join(folder, `${name}.journal`)
  const flags = ['--import', 'tsx', '--conditions=source', here('./workload.ts'), at, String(rounds)]
  spawnSync(process.execPath, flags, {
    env: { ...process.env, LD_PRELOAD: recorder, RECORDER_FOLDER: at, RECORDER_JOURNAL: journal, ...env },
  })
  return { at, journal }
}

/** Opens what is left and holds it to what had been acknowledged. */
async function hold(at: string, acks: readonly string[]): Promise<void> {
  const file = join(at, 'app.db')
  const store = sqlite({ file })
  await store.migrate()
  const db = new Database(file)
  expect(db.prepare('pragma integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
  const effects = existsEffects(db)
    ? (db.prepare('select key from effects').all() as { key: string }[]).map((row) => row.key)
    : []
  db.close()
  expect(new Set(effects).size, 'an effect happened twice').toBe(effects.length)
  expect(
    effects.filter((key) => key.startsWith('throw')),
    'a rolled-back effect is there',
  ).toEqual([])

  const reprise = createReprise({ store, principal: () => 'p' })
  const ran: string[] = []
  for (const ack of acks) {
    const [what, key = '', ...value] = ack.split(' ')
    if (what !== 'done') continue
    const guarantee = key.startsWith('g') ? 'guarded' : 'transactional'
    const name = guarantee === 'guarded' ? 'charge' : 'order'
    const input = key.startsWith('r') ? { input: key } : {}
    const end = await reprise.run({ name, guarantee }, { principal: 'p', key, ...input }, () => {
      ran.push(key)
      return 'again'
    })
    expect(end, `${key} was acknowledged`).toEqual({ kind: 'done', value: JSON.parse(value.join(' ')), replayed: true })
  }
  expect(ran).toEqual([])

  // Both or neither: each effect has its completed record, and each completed order its effect.
  const orders = (await store.list({ name: 'order', state: 'completed', limit: 1000 })).items.length
  expect(effects.length, 'effects and completed records').toBe(Math.max(0, orders - 1))
  await store.close()
}

function existsEffects(db: InstanceType<typeof Database>): boolean {
  return db.prepare("select 1 from sqlite_schema where name = 'effects'").get() !== undefined
}

/** The same numbers in every run. */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

describe.runIf(compiler !== undefined)('a power cut', () => {
  let entries: Entry[]
  beforeAll(() => {
    entries = readJournal(run('recorded', {}).journal)
  })

  test('is recorded below the library, syncs and all', () => {
    expect(entries.filter(({ kind }) => kind === 'sync').length).toBeGreaterThan(rounds)
    expect(acknowledged(entries, entries.length).length).toBeGreaterThan(rounds * 5)
  })

  test.each(['dropped', 'random', 'torn'] as const)(
    'that leaves un-synced writes %s loses nothing acknowledged',
    async (loss: Loss) => {
      const chance = seeded(7)
      const step = stepOf(entries.length, 70)
      for (let cut = 1; cut <= entries.length; cut += step) {
        const at = join(folder, `cut-${loss}`)
        powerCut(entries, cut, loss, chance, at)
        // Before its first sync the file may not even be a database: that too is an answer, and nothing was acknowledged.
        const acks = acknowledged(entries, cut)
        if (acks.length === 0) continue
        await hold(at, acks)
      }
    },
  )

  test('would be noticed: a disk that drops what it said it had synced loses acknowledged outcomes', async () => {
    const lying = entries.filter(({ kind }) => kind !== 'sync')
    const at = join(folder, 'lying')
    powerCut(lying, lying.length, 'dropped', seeded(1), at)
    await expect(hold(at, acknowledged(entries, entries.length))).rejects.toThrow(
      /was acknowledged|no such table|effects/,
    )
  })
})

describe.runIf(compiler !== undefined)('a process killed at its n-th write', () => {
  test('leaves what it had acknowledged, whichever n', async () => {
    const total = readJournal(run('counted', {}).journal).length
    const step = stepOf(total, 24)
    for (let n = 1; n <= total; n += step) {
      const { at } = run(`killed-${n}`, { RECORDER_KILL_AT: String(n) })
      const acks = existsSync(join(at, 'acks')) ? readFileSync(join(at, 'acks'), 'utf8').split('\n') : []
      // The last line may be the one that the process died in.
      const whole = acks.slice(0, -1)
      if (whole.length > 0) await hold(at, whole)
    }
  }, 1_800_000)
})

test('a C compiler is there, or its absence is told', () => {
  if (compiler === undefined) {
    process.stderr.write('NOT RUN: no C compiler was found, so power cuts and kills at every write were not tested.\n')
  }
  expect(compiler !== undefined || process.env.CI !== 'true', 'CI has to test power cuts').toBe(true)
})
