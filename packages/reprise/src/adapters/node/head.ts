/** The head of a held-back response: what `writeHead` was given, over what `setHeader` has set. */

import { type OutgoingHttpHeader, type OutgoingHttpHeaders, validateHeaderName, validateHeaderValue } from 'node:http'
import type { HeaderLine } from '../../engine/record.ts'

/** The headers argument of `writeHead`: an object, or an array of pairs, nested or flat. */
export type HeadersArgument = OutgoingHttpHeaders | readonly OutgoingHttpHeader[] | readonly HeaderLine[]

/**
 * The lines of a headers argument, names as they are written.
 *
 * Throws what `writeHead` would throw. Node would otherwise find an invalid value only when it is sent, after the effect
 * has been recorded.
 */
export function argumentLines(headers: HeadersArgument): HeaderLine[] {
  const lines: HeaderLine[] = []
  if (!Array.isArray(headers)) {
    const fields = headers as OutgoingHttpHeaders
    for (const name in fields) addLines(lines, name, fields[name])
  } else if (Array.isArray(headers[0])) {
    for (const [name, value] of headers as readonly HeaderLine[]) addLines(lines, name, value)
  } else {
    for (let i = 0; i < headers.length; i += 2)
      addLines(lines, String(headers[i]), headers[i + 1] as OutgoingHttpHeader)
  }
  return lines
}

function addLines(lines: HeaderLine[], name: string, value: OutgoingHttpHeader | undefined): void {
  validateHeaderName(name)
  if (Array.isArray(value)) {
    for (const each of value) addLines(lines, name, each)
    return
  }
  validateHeaderValue(name, value as string)
  lines.push([name, String(value)])
}

/** Headers as they are now. The values of a list are its own: whoever adds one adds it to the very list. */
export function snapshot(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  for (const name in headers) {
    const value = headers[name]
    if (Array.isArray(value)) headers[name] = [...value]
  }
  return headers
}

/** The lines of headers as `getHeaders` gives them. */
export function headerLines(headers: OutgoingHttpHeaders): HeaderLine[] {
  const lines: HeaderLine[] = []
  for (const name in headers) {
    const value = headers[name]
    if (Array.isArray(value)) for (const each of value) lines.push([name, String(each)])
    else lines.push([name, String(value)])
  }
  return lines
}

/** Of a captured response these are made anew when it is sent, since they describe the transfer and not the answer. */
const framing = new Set(['content-length', 'transfer-encoding', 'trailer'])

/** `explicit`, as `writeHead` got them, win over `set` field by field. */
export function capturedLines(set: OutgoingHttpHeaders, explicit: readonly HeaderLine[] | undefined): HeaderLine[] {
  const lines = headerLines(set)
  if (explicit === undefined) return lines.filter(([name]) => !framing.has(name))
  const overridden = new Set(explicit.map(([name]) => name.toLowerCase()))
  const kept = lines.filter(([name]) => !framing.has(name) && !overridden.has(name))
  return [...kept, ...explicit.filter(([name]) => !framing.has(name.toLowerCase()))]
}
