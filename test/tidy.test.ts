// The repository tests its own code: who may import whom, where time and chance come from, how long a file may be.
import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { codeOf, doors, importsOf, read, sources, workspaces } from './repo.ts'

const LIBRARY = 'packages/reprise/src/'
const library = sources.filter((path) => path.startsWith(LIBRARY)).map((path) => path.slice(LIBRARY.length))

// What each room of the library may import besides itself. `types` of a room means `import type` only.
// Only rooms that never reach a browser may use Node's builtins.
interface Arrows {
  readonly imports: readonly string[]
  readonly types?: readonly string[]
  readonly builtins: boolean
}
const ROOMS: Readonly<Record<string, Arrows>> = {
  engine: { imports: [], builtins: true },
  wire: { imports: [], builtins: false },
  http: { imports: ['engine', 'wire'], builtins: true },
  stores: { imports: ['engine', 'stores/rows'], builtins: true },
  adapters: { imports: ['http', 'wire'], types: ['engine', 'reprise.ts'], builtins: true },
  client: { imports: ['wire'], builtins: false },
  'index.ts': { imports: ['engine', 'http', 'wire', 'reprise.ts', 'run.ts'], builtins: false },
  'reprise.ts': { imports: ['engine', 'http', 'wire', 'run.ts'], builtins: false },
  'run.ts': { imports: ['engine', 'http'], builtins: false },
}

/** 'stores/sqlite/schema.ts' → 'stores/sqlite', since stores must not know each other; otherwise the first folder. */
function roomOf(path: string): string {
  const [first = '', second = ''] = path.split('/')
  return first === 'stores' ? `stores/${second.replace(/\.ts$/, '')}` : first
}

function arrowsOf(path: string): Arrows | undefined {
  return ROOMS[path.split('/')[0] ?? '']
}

/** Why this import is not allowed, or undefined when it is. */
function objection(from: string, specifier: string, typeOnly: boolean): string | undefined {
  const arrows = arrowsOf(from)
  if (arrows === undefined) return 'lives in a room that has no arrows: add it to ROOMS'
  if (specifier.startsWith('node:')) return arrows.builtins ? undefined : 'may not use Node builtins'
  if (!specifier.startsWith('.')) return 'the library has no dependencies'

  const to = posix.join(posix.dirname(from), specifier)
  const reaches = (room: string) => to === room || to.startsWith(`${room}/`)
  if (roomOf(to) === roomOf(from) || arrows.imports.some(reaches)) return undefined
  if (arrows.types?.some(reaches)) return typeOnly ? undefined : `may import only types from ${roomOf(to)}`
  return `may not import ${roomOf(to)}`
}

describe('import arrows', () => {
  test('the rooms of the library import only what they may', () => {
    const wrong = library.flatMap((from) =>
      importsOf(LIBRARY + from).flatMap(({ specifier, typeOnly }) => {
        const why = objection(from, specifier, typeOnly)
        return why === undefined ? [] : [`${from} imports '${specifier}': ${why}`]
      }),
    )
    expect(wrong).toEqual([])
  })

  test('other workspaces reach a package only by its public doors', () => {
    const wrong = sources.flatMap((from) => {
      const home = workspaces.find((workspace) => from.startsWith(`${workspace}/`)) ?? ''
      return importsOf(from)
        .map(({ specifier }) => specifier)
        .filter((specifier) =>
          specifier.startsWith('.')
            ? !posix.join(posix.dirname(from), specifier).startsWith(`${home}/`)
            : /^reprise(\/|$)/.test(specifier) && !doors.has(specifier),
        )
        .map((specifier) => `${from} imports '${specifier}'`)
    })
    expect(wrong).toEqual([])
  })
})

// Time, timers and chance come in through ports, so that tests and the simulation can hold them.
const AMBIENT =
  /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bhrtime\b|\bset(?:Timeout|Interval|Immediate)\b|\bAbortSignal\.timeout\b|\bMath\.random\b|\brandom(?:Bytes|UUID|Int)\b|\bgetRandomValues\b/
const MAY_BE_AMBIENT: Readonly<Record<string, string>> = {
  'engine/clock.ts': 'the port for time',
  'engine/ids.ts': 'the port for chance',
}

test('only the ports touch time and chance', () => {
  const ambient = library.filter((path) => AMBIENT.test(codeOf(LIBRARY + path)))
  expect(ambient.filter((path) => !(path in MAY_BE_AMBIENT))).toEqual([])
  expect(
    Object.keys(MAY_BE_AMBIENT).filter((path) => !ambient.includes(path)),
    'exemptions no longer needed',
  ).toEqual([])
})

const LINES_MAX = 450
const MAY_BE_LONG: Readonly<Record<string, string>> = {}

test(`no source file is longer than ${LINES_MAX} lines`, () => {
  const long = sources.filter((path) => read(path).split('\n').length - 1 > LINES_MAX)
  expect(long.filter((path) => !(path in MAY_BE_LONG))).toEqual([])
  expect(
    Object.keys(MAY_BE_LONG).filter((path) => !long.includes(path)),
    'exemptions no longer needed',
  ).toEqual([])
})
