// What a stranger gets: the packed library, installed in a project that has nothing else, opened by every door.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { doors, root } from './repo.ts'

const run = promisify(execFile)
const tsc = join(root, 'node_modules/typescript/bin/tsc')
const specifiers = [...doors.keys()]
let project: string

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(project, name), text)))
}

/** Runs a script of the project that prints the kinds of the library's exports: { door: { name: typeof } }. */
async function exportsSeenBy(script: string): Promise<Record<string, Record<string, string>>> {
  const { stdout } = await run(process.execPath, [script], { cwd: project })
  return JSON.parse(stdout) as Record<string, Record<string, string>>
}

async function complaintsOfTsc(options: readonly string[]): Promise<string> {
  const outcome = run(process.execPath, [tsc, ...options], { cwd: project })
  const { stdout } = await outcome.catch((failure: { stdout: string }) => failure)
  return stdout
}

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'reprise-doors-'))
  await run(process.execPath, [tsc, '-b', 'packages/reprise'], { cwd: root })
  const packed = await run('npm', ['pack', '--json', '--pack-destination', project], {
    cwd: join(root, 'packages/reprise'),
  })
  const [tarball] = JSON.parse(packed.stdout) as { filename: string }[]

  const list = JSON.stringify(specifiers)
  const kinds = `(door) => Object.fromEntries(Object.entries(door).map(([name, value]) => [name, typeof value]))`
  await write({
    'package.json': JSON.stringify({ name: 'stranger', private: true, type: 'module' }),
    'esm.mjs': `const kinds = ${kinds}, seen = {}
      for (const door of ${list}) seen[door] = kinds(await import(door))
      console.log(JSON.stringify(seen))`,
    'commonjs.cjs': `const kinds = ${kinds}, seen = {}
      for (const door of ${list}) seen[door] = kinds(require(door))
      console.log(JSON.stringify(seen))`,
    'types.ts': specifiers
      .map((door, n) => `import * as door${n} from '${door}'\nexport const keys${n}: (keyof typeof door${n})[] = []\n`)
      .join(''),
  })
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${tarball?.filename}`], { cwd: project })
}, 60_000)

afterAll(() => rm(project, { recursive: true, force: true }))

describe('the packed library', () => {
  test('opens by import', async () => {
    const seen = await exportsSeenBy('esm.mjs')
    const silent = specifiers.filter((door) => !Object.values(seen[door] ?? {}).includes('function'))
    expect(silent, 'doors that export no function').toEqual([])
  })

  test('opens by require, to the same exports', async () => {
    expect(await exportsSeenBy('commonjs.cjs')).toEqual(await exportsSeenBy('esm.mjs'))
  })

  test.for([
    ['nodenext', ['--module', 'nodenext']],
    ['bundler', ['--module', 'esnext', '--moduleResolution', 'bundler']],
  ] as const)('has types under %s resolution', async ([, options]) => {
    // Node's own types are the one thing a stranger must bring.
    const nodeTypes = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')]
    const strict = ['--noEmit', '--strict', '--target', 'es2023', '--lib', 'es2023']
    expect(await complaintsOfTsc([...strict, ...nodeTypes, ...options, 'types.ts'])).toBe('')
  })

  test('ships no tests', async () => {
    const { stdout } = await run('npm', ['pack', '--dry-run', '--json'], { cwd: join(root, 'packages/reprise') })
    const [{ files } = { files: [] }] = JSON.parse(stdout) as { files: { path: string }[] }[]
    expect(files.filter(({ path }) => /\.test\./.test(path) || path.includes('tsbuildinfo'))).toEqual([])
  })
})
