// Reads the repository for the tests that check the repository itself.
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

const GENERATED = new Set(['node_modules', 'dist', '.reports', '.git'])

/** Every file under `folder`, as paths from the repository's root with forward slashes. */
export function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = posix.join(folder, entry.name)
      if (entry.isDirectory()) return GENERATED.has(entry.name) ? [] : filesIn(path)
      return [path]
    })
    .sort()
}

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

interface Manifest {
  readonly name: string
  readonly version: string
  readonly workspaces?: readonly string[]
  readonly exports?: Readonly<Record<string, Door | string | null>>
  readonly dependencies?: Readonly<Record<string, string>>
}

export interface Door {
  readonly source: string
  readonly types: string
  readonly default: string
}

export function manifestOf(folder: string): Manifest {
  return JSON.parse(read(`${folder}/package.json`)) as Manifest
}

/** The folders that hold a package. */
export const workspaces: string[] = (manifestOf('.').workspaces ?? []).flatMap((pattern) => {
  if (!pattern.endsWith('/*')) return [pattern]
  const parent = pattern.slice(0, -2)
  return readdirSync(join(root, parent)).map((name) => `${parent}/${name}`)
})

/** The doors of the library, by specifier: 'reprise', 'reprise/memory', … */
export const doors: ReadonlyMap<string, Door> = new Map(
  Object.entries(manifestOf('packages/reprise').exports ?? {}).flatMap(([subpath, door]): [string, Door][] =>
    typeof door === 'object' && door !== null ? [[posix.join('reprise', subpath), door]] : [],
  ),
)

/** TypeScript that ships or runs, without the tests beside it. */
export const sources: string[] = workspaces
  .flatMap((workspace) => filesIn(`${workspace}/src`))
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))

/** The code of a file without its comments, each line where it was. */
export function codeOf(path: string): string {
  return read(path)
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ''))
    .replace(/(^|[^:'"`])\/\/.*$/gm, '$1')
}

export interface Import {
  readonly specifier: string
  readonly typeOnly: boolean
}

/** Static imports, re-exports and dynamic imports of a file. The formatter guarantees single quotes. */
export function importsOf(path: string): Import[] {
  const code = codeOf(path)
  const statements = [
    ...code.matchAll(/^import\s+(type\s)?(?:[^'"]*?\sfrom\s+)?'([^']+)'/gm),
    ...code.matchAll(/^export\s+(type\s)?[*{][^'"}]*\}?\s+from\s+'([^']+)'/gm),
    ...code.matchAll(/()\bimport\('([^']+)'\)/g),
  ]
  return statements.map(([, type, specifier = '']) => ({ specifier, typeOnly: Boolean(type) }))
}
