/** Plants a bug in a copy of the compiled library, and loads that copy. */

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type * as memoryDoor from 'reprise/memory'
import type { Library } from '../simulation/library.ts'
import type { Edit } from './mutant.ts'

/** The build that this process itself uses. */
const build = dirname(fileURLToPath(import.meta.resolve('reprise')))

export interface Planted {
  readonly library: Library
  readonly memory: typeof memoryDoor
}

/** The bug can't be planted: the line that it changes is gone, or there are several. */
export class Rotten extends Error {}

/**
 * Calls `use` with a copy of the library in which the edits are made, and removes the copy.
 *
 * Throws `Rotten` where an edit does not fit.
 */
export async function withPlanted<T>(edits: readonly Edit[], use: (planted: Planted) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-mutant-'))
  try {
    await cp(build, folder, { recursive: true, filter: (path) => !/\.(?:map|d\.ts|tsbuildinfo)$/.test(path) })
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    for (const edit of edits) await plant(folder, edit)
    const door = async (path: string): Promise<unknown> => import(pathToFileURL(join(folder, path)).href)
    const [reprise, engine, memory] = await Promise.all(['index.js', 'engine/index.js', 'stores/memory.js'].map(door))
    return await use({ library: { reprise, engine } as Library, memory: memory as typeof memoryDoor })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function plant(folder: string, { file, from, to }: Edit): Promise<void> {
  const path = join(folder, file)
  const parts = (await readFile(path, 'utf8')).split(from)
  if (parts.length !== 2) throw new Rotten(`${file} has ${parts.length - 1} places like this one:\n${from}`)
  await writeFile(path, parts.join(to))
}
