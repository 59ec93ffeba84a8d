// Bugs planted in the compiled library: each is found by what has to find it. A separate process looks for them at full
// speed, over the build.

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { harmless, mutants } from '../../packages/testkit/src/mutants/index.ts'
import type { Trial } from '../../packages/testkit/src/mutants/trial.ts'
import { root } from '../repo.ts'

const run = promisify(execFile)
let trials: ReadonlyMap<string, Trial>

beforeAll(async () => {
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b', 'packages/testkit'], { cwd: root })
  const { stdout } = await run(process.execPath, ['packages/testkit/dist/mutants/main.js', '--gate'], {
    cwd: root,
    maxBuffer: 16 * 1024 * 1024,
  })
  trials = new Map((JSON.parse(stdout) as Trial[]).map((trial) => [trial.name, trial]))
}, 180_000)

describe('a planted bug is found', () => {
  test.each(mutants)('$name ($foundBy)', ({ name, foundBy }) => {
    const trial = trials.get(name)
    expect(trial?.kind, JSON.stringify(trial)).toBe('found')
    expect(trial?.by).toBe(foundBy)
  })
})

describe('a harmless change is passed', () => {
  test.each(harmless)('$name', ({ name }) => {
    const trial = trials.get(name)
    expect(trial?.kind, JSON.stringify(trial)).toBe('missed')
  })
})

test('each has a name of its own, and its line in docs/planted-bugs.md', () => {
  const names = [...mutants, ...harmless].map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  const page = readFileSync(join(root, 'docs/planted-bugs.md'), 'utf8')
  const told = [...page.matchAll(/^\| \*\*(.+?)\*\* /gm)].map(([, name]) => name)
  expect(told).toEqual(names)
})
