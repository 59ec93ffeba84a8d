/**
 * Pages of a list. A cursor names the last item of the page before, so that what is added or removed in between moves
 * no item to another page. It is opaque: what it means may change with any release.
 */
import { z } from 'zod'
import type { Problem } from './problems.ts'
import { checkQuery, queryInvalid } from './validation.ts'

export const LIMIT_MAX = 200
export const LIMIT_DEFAULT = 50

export interface PageQuery {
  readonly limit: number
  readonly cursor?: string | undefined
}

/** The query of every list. */
export const PageQuery: z.ZodType<PageQuery> = z.object({
  limit: z
    .string('Invalid input: expected one whole number')
    .regex(/^\d{1,3}$/, 'Invalid input: expected a whole number')
    .transform(Number)
    .pipe(z.int().min(1).max(LIMIT_MAX))
    .default(LIMIT_DEFAULT),
  cursor: z.string('Invalid input: expected one cursor').optional(),
})

type List = 'accounts' | 'transfers'

export interface Page<Item> {
  readonly items: readonly Item[]
  /** `null` on the last page. */
  readonly next_cursor: string | null
}

/** Where the items of a list come from. */
export interface Source<Item> {
  has(id: string): Promise<boolean>
  /** At most `limit` items in the order of the list: those after the one named, or the first. */
  read(after: string | undefined, limit: number): Promise<readonly Item[]>
}

export type PageRead<Item> =
  | { readonly kind: 'page'; readonly page: Page<Item> }
  | { readonly kind: 'refused'; readonly problem: Problem }

/** The page that a query asks for. */
export async function readPage<Item extends { readonly id: string }>(
  list: List,
  query: unknown,
  source: Source<Item>,
): Promise<PageRead<Item>> {
  const checked = checkQuery(PageQuery, query)
  if (checked.kind === 'invalid') return { kind: 'refused', problem: checked.problem }
  const { limit, cursor } = checked.value
  const after = cursor === undefined ? undefined : parseCursor(list, cursor)
  if (cursor !== undefined && (after === undefined || !(await source.has(after)))) {
    const problem = queryInvalid([{ parameter: 'cursor', detail: 'This list never gave this cursor.' }])
    return { kind: 'refused', problem }
  }

  // One item more than asked for is what tells that there is another page.
  const found = await source.read(after, limit + 1)
  const items = found.slice(0, limit)
  const last = found.length > limit ? items.at(-1) : undefined
  return { kind: 'page', page: { items, next_cursor: last === undefined ? null : printCursor(list, last.id) } }
}

/** The id that a cursor names, or `undefined` for one that this list can't have given. */
export function parseCursor(list: List, cursor: string): string | undefined {
  const id = Buffer.from(cursor, 'base64url').toString().slice(`${list}:`.length)
  // Base64 has many spellings of the same bytes, and Buffer reads all of them; only ours is a cursor of ours.
  return printCursor(list, id) === cursor ? id : undefined
}

export function printCursor(list: List, id: string): string {
  return Buffer.from(`${list}:${id}`).toString('base64url')
}
