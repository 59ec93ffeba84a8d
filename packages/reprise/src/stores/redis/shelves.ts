/** Reading through the shelves: what is due, and page after page of what there is. */

import type { RecordState } from '../../engine/record.ts'
import { type Connection, run } from './connection.ts'
import type { Shelf } from './layout.ts'
import { onShelf } from './scripts.ts'

/** Where a reader stands: after this entry of this shelf. */
export interface Place {
  readonly shelf: number
  /** As Redis writes it. */
  readonly score: string
  readonly id: string
}

/** How many shelves are asked at once where they turn out to be short. */
const widthMax = 64

/** Ids that are due by then, from shelf `first` on and round; at most `limit`, and some where there are any. */
export async function dueIds(
  connection: Connection,
  shelves: readonly Shelf[],
  first: number,
  nowMs: number,
  limit: number,
): Promise<{ readonly ids: readonly string[]; readonly next: number }> {
  const ids: string[] = []
  const share = Math.max(8, Math.ceil(limit / 16))
  let asked = 0
  while (asked < shelves.length && ids.length < limit) {
    const width = Math.min(widthMax, shelves.length - asked)
    const found = await Promise.all(
      Array.from({ length: width }, (_, n) => {
        const { index } = shelves[(first + asked + n) % shelves.length] as Shelf
        return run(connection, onShelf, [index], ['0', `${nowMs}`, '0', `${share}`])
      }),
    )
    for (const reply of found) ids.push(...pairsOf(reply).map(([id]) => id.toString()))
    asked += width
  }
  // What was found beyond the limit is found again from the same place.
  return { ids: ids.slice(0, limit), next: ids.length > limit ? first : (first + asked) % shelves.length }
}

/**
 * Entries after a place, of records that may be in one of these states; `end` where there are no more. Shelf after shelf, in
 * each the unfinished first and then by time: a record that is settled meanwhile moves on, and is seen twice rather than not
 * at all. Only a released one that is claimed again meanwhile may be missed.
 */
export async function placesAfter(
  connection: Connection,
  shelves: readonly Shelf[],
  states: readonly RecordState[],
  after: Place,
  wanted: number,
): Promise<{ readonly places: readonly Place[]; readonly end: boolean }> {
  const places: Place[] = []
  const range = rangeOf(states)
  let from = after
  // Wider and wider: full shelves are read one by one, and empty ones many at once.
  for (let width = 1; from.shelf < shelves.length; width = Math.min(widthMax, width * 2)) {
    const left = wanted - places.length
    const asked = Array.from({ length: Math.min(width, shelves.length - from.shelf) }, (_, n) =>
      onOneShelf(connection, shelves, n === 0 ? from : { shelf: from.shelf + n, score: '', id: '' }, range, left),
    )
    for (const found of await Promise.all(asked)) {
      places.push(...found.slice(0, wanted - places.length))
      if (places.length === wanted) return { places, end: false }
    }
    from = { shelf: from.shelf + asked.length, score: '', id: '' }
  }
  return { places, end: true }
}

interface Range {
  readonly first: string
  readonly last: string
}

/** Unfinished records are never due, all others are at some time. */
function rangeOf(states: readonly RecordState[]): Range {
  const unfinished = (state: RecordState): boolean => state === 'running' || state === 'unknown'
  if (states.length === 0) return { first: '-inf', last: '+inf' }
  if (states.every(unfinished)) return { first: '-inf', last: '-inf' }
  return { first: states.some(unfinished) ? '-inf' : '(-inf', last: '+inf' }
}

/** At least `wanted`, or all that there are on this shelf. */
async function onOneShelf(
  connection: Connection,
  shelves: readonly Shelf[],
  after: Place,
  range: Range,
  wanted: number,
): Promise<readonly Place[]> {
  const { shelf } = after
  const { index } = shelves[shelf] as Shelf
  const first = after.score === '' ? range.first : after.score
  const seen = Buffer.from(after.id)
  const places: Place[] = []
  for (let skipped = 0; ; ) {
    const reply = await run(connection, onShelf, [index], [first, range.last, `${skipped}`, `${wanted}`])
    const pairs = pairsOf(reply)
    for (const [id, score] of pairs) {
      // Of several at one time, Redis keeps those first whose bytes come first.
      if (score === after.score && id.compare(seen) <= 0) continue
      places.push({ shelf, score, id: id.toString() })
    }
    if (places.length >= wanted || pairs.length < wanted) return places
    skipped += pairs.length
  }
}

function pairsOf(reply: unknown): [id: Buffer, score: string][] {
  const flat = reply as Buffer[]
  return Array.from({ length: flat.length / 2 }, (_, n) => [flat[2 * n] as Buffer, String(flat[2 * n + 1])])
}
