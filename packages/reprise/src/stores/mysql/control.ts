/**
 * What a handler may say on the connection of its attempt. Statements that would end the transaction it lives in are refused,
 * and in MySQL those are many: whatever creates, alters or drops something commits first. So the few that never do are let
 * through, instead of the many that do being kept out.
 */

import { RepriseError } from '../../engine/errors.ts'

const allowed: ReadonlySet<string> = new Set(
  'select insert update delete replace with values table call do show explain describe desc'.split(' '),
)

const firstWord = /^[\s(]*([a-z]+)/i
/** The settings on which the life of a transaction hangs. */
const settings = /\b(?:autocommit|completion_type|transaction|tx_isolation|tx_read_only|transaction_isolation)\b|@@/i

/** Throws `transaction-broken` for a statement that is not among those that a handler may say. */
export function refuseControl(sql: string): void {
  const word = firstWord.exec(sql)?.[1]?.toLowerCase()
  // Nearly all of them: one statement, which begins with its word.
  if (word !== undefined && allowed.has(word) && !sql.includes(';')) return
  for (const statement of codeOf(sql).split(';')) if (statement.trim() !== '') refuseOne(statement)
}

/** Where something begins in which no statement can, or the mark of a comment that is code: `/*!` and `/*M!`. */
const opening = /['"`#]|--(?=\s|$)|\/\*M?!\d*|\/\*|\*\//g
const closings: Readonly<Record<string, RegExp>> = {
  "'": /[^'\\]*(?:\\[\s\S][^'\\]*)*'/y,
  '"': /[^"\\]*(?:\\[\s\S][^"\\]*)*"/y,
  '`': /[^`]*`/y,
  '#': /[^\n]*/y,
  '--': /[^\n]*/y,
  '/*': /[\s\S]*?\*\//y,
}

/** A text without its strings, quoted names and comments. What does not end goes on to the end. */
function codeOf(sql: string): string {
  let code = ''
  let from = 0
  opening.lastIndex = 0
  for (let match = opening.exec(sql); match !== null; match = opening.exec(sql)) {
    const [open] = match
    const closing = closings[open]
    code += sql.slice(from, match.index)
    code += open === "'" || open === '"' || open === '`' ? "''" : ' '
    from = opening.lastIndex
    if (closing === undefined) continue
    closing.lastIndex = from
    from = closing.test(sql) ? closing.lastIndex : sql.length
    opening.lastIndex = from
  }
  return code + sql.slice(from)
}

function refuseOne(statement: string): void {
  const word = firstWord.exec(statement)?.[1]?.toLowerCase()
  if (word !== undefined && allowed.has(word)) return
  if (word === 'set' && isHarmless(statement.trim())) return
  if (word === 'load' && /^[\s(]*load\s+(?:data|xml)\b/i.test(statement)) return
  const said = word === undefined ? statement.trim().slice(0, 20) : word.toUpperCase()
  throw new RepriseError(
    'transaction-broken',
    `A handler may not say ${said}: it ends the transaction, or outlives it.`,
  )
}

/** Variables of one's own, and MariaDB's settings for one statement. All others would outlive the attempt in the pool. */
function isHarmless(statement: string): boolean {
  const forOne = /^set\s+statement\s[\s\S]*?\sfor\s/i.exec(statement)?.[0]
  if (forOne === undefined) return /^set\s+@\w/i.test(statement) && !settings.test(statement)
  refuseOne(statement.slice(forOne.length))
  return !settings.test(forOne)
}
