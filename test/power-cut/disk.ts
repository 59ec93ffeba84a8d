// A disk as a power cut leaves it: what was synced is there; each write since then is there, or not, or torn at a sector.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type Entry =
  | { readonly kind: 'write'; readonly name: string; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly name: string; readonly length: number }
  | { readonly kind: 'sync'; readonly name: string }
  /** Kept in order, and taken to last: the store removes files only while it is set up and when it is closed. */
  | { readonly kind: 'unlink'; readonly name: string }

/** What a disk may do to writes that were not synced. */
export type Loss = 'dropped' | 'random' | 'torn'

const sector = 512

export function readJournal(path: string): Entry[] {
  const journal = readFileSync(path)
  const entries: Entry[] = []
  for (let at = 0; at < journal.length; ) {
    const kind = String.fromCharCode(journal[at] as number)
    const offset = Number(journal.readBigInt64LE(at + 1))
    const length = Number(journal.readBigInt64LE(at + 9))
    const nameLength = Number(journal.readBigInt64LE(at + 17))
    const name = journal.toString('utf8', at + 25, at + 25 + nameLength)
    at += 25 + nameLength
    if (kind === 'w') {
      entries.push({ kind: 'write', name, offset, bytes: journal.subarray(at, at + length) })
      at += length
    } else if (kind === 't') entries.push({ kind: 'truncate', name, length: offset })
    else entries.push({ kind: kind === 'u' ? 'unlink' : 'sync', name })
  }
  return entries
}

/** Writes the files of a disk whose power went after `cut` entries. `chance` is a number in [0, 1) at each call. */
export function powerCut(
  entries: readonly Entry[],
  cut: number,
  loss: Loss,
  chance: () => number,
  folder: string,
): void {
  const synced = new Map<string, number>()
  entries.slice(0, cut).forEach((entry, index) => {
    if (entry.kind === 'sync') synced.set(entry.name, index)
  })
  const files = new Map<string, Buffer>()
  entries.slice(0, cut).forEach((entry, index) => {
    if (entry.kind === 'sync') return
    if (entry.kind === 'unlink') {
      files.delete(entry.name)
      return
    }
    const durable = index < (synced.get(entry.name) ?? -1)
    const fate = durable ? 'whole' : fateOf(loss, chance)
    if (fate === 'lost') return
    const file = files.get(entry.name) ?? Buffer.alloc(0)
    files.set(
      entry.name,
      entry.kind === 'truncate' ? file.subarray(0, entry.length) : written(file, entry, fate, chance),
    )
  })
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  // The index of the log is in memory and is made anew; the acknowledgements are no part of the disk.
  for (const [name, bytes] of files)
    if (!name.endsWith('-shm') && name !== 'acks') writeFileSync(join(folder, name), bytes)
}

type Fate = 'whole' | 'torn' | 'lost'

function fateOf(loss: Loss, chance: () => number): Fate {
  if (loss === 'dropped') return 'lost'
  if (loss === 'random') return chance() < 0.5 ? 'whole' : 'lost'
  const drawn = chance()
  return drawn < 0.34 ? 'whole' : drawn < 0.67 ? 'torn' : 'lost'
}

/** A torn write leaves some of its sectors. */
function written(file: Buffer, entry: Extract<Entry, { kind: 'write' }>, fate: Fate, chance: () => number): Buffer {
  const { offset, bytes } = entry
  const next = Buffer.alloc(Math.max(file.length, offset + bytes.length))
  file.copy(next)
  for (let at = 0; at < bytes.length; at += sector) {
    if (fate === 'whole' || chance() < 0.5) bytes.copy(next, offset + at, at, Math.min(at + sector, bytes.length))
  }
  return next
}

/** What had been acknowledged when the power went. */
export function acknowledged(entries: readonly Entry[], cut: number): string[] {
  const text = entries
    .slice(0, cut)
    .map((entry) => (entry.kind === 'write' && entry.name === 'acks' ? entry.bytes.toString('utf8') : ''))
    .join('')
  return text.split('\n').filter((line) => line !== '')
}
