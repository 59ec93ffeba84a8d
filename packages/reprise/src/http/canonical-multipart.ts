/**
 * One spelling per multipart body (RFC 2046 §5.1, RFC 7578): its parts in order, each by its header lines and a digest of
 * its content, without the boundary, which clients draw anew for every attempt.
 */

import { hash } from 'node:crypto'
import { latin1Text } from './latin1.ts'
import { lengthPrefixed } from './length-prefixed.ts'

/** More parts than any form has; each costs a hash. */
const PARTS_MAX = 1000

const HEADER_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):(.*)$/

/**
 * The canonical spelling of a multipart body, or `undefined` where it does not follow the grammar to the letter: then two
 * parsers may see different parts in it, and only the bytes are safe to compare.
 *
 * All header lines of a part count (name, filename and type are in them), in any order, their names in any case.
 */
export function canonicalMultipart(bytes: Uint8Array, boundary: string): string | undefined {
  const text = latin1Text(bytes)
  const delimiter = `--${boundary}`
  const nextDelimiter = `\r\n${delimiter}`
  // A preamble is for nobody; one that says anything is not something a form has.
  let at = text.startsWith(nextDelimiter) ? 2 : 0
  if (!text.startsWith(delimiter, at)) return undefined
  at += delimiter.length

  let canonical = ''
  for (let parts = 0; ; parts++) {
    if (text.startsWith('--', at)) return /^[ \t\r\n]*$/.test(text.slice(at + 2)) ? canonical : undefined
    if (parts === PARTS_MAX) return undefined

    // RFC 2046 §5.1.1: encapsulation := delimiter transport-padding CRLF body-part
    while (text[at] === ' ' || text[at] === '\t') at++
    if (!text.startsWith('\r\n', at)) return undefined
    const headersEnd = text.indexOf('\r\n\r\n', at)
    if (headersEnd < 0) return undefined
    const headers = text.slice(at, headersEnd)
    if (headers.includes(nextDelimiter)) return undefined
    const lines = canonicalLines(headers)
    if (lines === undefined) return undefined

    const start = headersEnd + 4
    // From two before, since a part may have no content at all: its blank line is then also the delimiter's.
    const end = text.indexOf(nextDelimiter, start - 2)
    if (end < 0) return undefined
    const content = hash('sha256', bytes.subarray(start, Math.max(start, end)), 'base64url')
    canonical += lengthPrefixed(lines) + content
    at = end + nextDelimiter.length
  }
}

/** Header lines of a part, each with a line break before it. */
function canonicalLines(block: string): string | undefined {
  const lines: string[] = []
  for (const line of block.split('\r\n').slice(1)) {
    const match = HEADER_LINE.exec(line)
    if (match === null) return undefined
    lines.push(`${match[1]?.toLowerCase()}:${match[2]?.trim()}`)
  }
  return lines.sort().join('\n')
}
