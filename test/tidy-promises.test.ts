// The repository tests what it promises to readers: doors, versions, documents.
import { existsSync } from 'node:fs'
import { join, posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { doors, filesIn, manifestOf, read, root, workspaces } from './repo.ts'

describe('doors of the library', () => {
  const home = 'packages/reprise'

  test('each door opens on a source that exists', () => {
    const dead = [...doors].filter(([, door]) => !existsSync(join(root, home, door.source)))
    expect(dead.map(([specifier]) => specifier)).toEqual([])
  })

  test('each door names the build of its own source', () => {
    for (const [specifier, door] of doors) {
      const built = door.source.replace('./src/', './dist/').replace(/\.ts$/, '')
      expect(door, specifier).toEqual({ source: door.source, types: `${built}.d.ts`, default: `${built}.js` })
    }
  })

  test('each store and each adapter has a door', () => {
    const behindDoors = new Set([...doors.values()].map(({ source }) => posix.join(home, source)))
    const closed = ['stores', 'adapters']
      .flatMap((room) => filesIn(`${home}/src/${room}`))
      .filter((path) => /\/(?:stores|adapters)\/[^/]+\.ts$/.test(path) && !path.endsWith('.test.ts'))
      .filter((path) => !behindDoors.has(path))
    expect(closed, 'what several of them share belongs in a folder of its own').toEqual([])
  })
})

test('all workspaces are at one version, and ask for each other at that version', () => {
  const { version } = manifestOf('.')
  const manifests = workspaces.map(manifestOf)
  const names = new Set(manifests.map(({ name }) => name))
  for (const { name, version: own, dependencies = {} } of manifests) {
    expect(own, name).toBe(version)
    const asked = Object.entries(dependencies).filter(([dependency]) => names.has(dependency))
    expect(new Set([version, ...asked.map(([, wanted]) => wanted)]), name).toEqual(new Set([version]))
  }
})

test('the library depends on nothing', () => {
  const fields = Object.keys(manifestOf('packages/reprise'))
  expect(fields.filter((field) => /dependencies/i.test(field))).toEqual([])
})

test('each problem type has a page, and each page a problem type', async () => {
  const { problemTypes } = (await import('../packages/reprise/src/wire/problem.ts')) as { problemTypes: object }
  const pages = filesIn('docs/problems')
    .filter((path) => path !== 'docs/problems/README.md')
    .map((path) => path.replace('docs/problems/', '').replace(/\.md$/, ''))
  expect(pages).toEqual(Object.keys(problemTypes).sort())
})

test('each error code has its line in docs/errors.md, and each line a code', async () => {
  const { errorCodes } = (await import('../packages/reprise/src/engine/errors.ts')) as { errorCodes: object }
  const documented = [...read('docs/errors.md').matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, code]) => code)
  expect(new Set(documented)).toEqual(new Set(Object.keys(errorCodes)))
})

test('no file names a path of somebody’s machine', () => {
  const atRoot = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'package.json']
  const files = [...workspaces, 'docs', 'test', 'scripts', '.ci'].flatMap(filesIn).concat(atRoot)
  const machinePath = /(?<![\w.~-])\/(?:work|home|root|Users|tmp\/bash_jobs)\//
  expect(files.filter((path) => machinePath.test(read(path)))).toEqual([])
})

test('the lockfile names no registry', () => {
  expect(read('package-lock.json')).not.toMatch(/"resolved": "https?:/)
})

test('the changelog begins with what is unreleased, or with this version', () => {
  const first = /^## (.+)$/m.exec(read('CHANGELOG.md'))?.[1]
  expect(first).toMatch(/^(?:Unreleased|\d+\.\d+\.\d+ .*)$/)
})
