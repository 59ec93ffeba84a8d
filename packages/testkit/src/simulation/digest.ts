/** An outcome as one text: equal texts are equal status, stored headers and body, byte by byte. */

import type { HeaderLine, Outcome } from 'reprise'

const texts = new WeakMap<Outcome, string>()

export function digestOf(outcome: Outcome): string {
  let text = texts.get(outcome)
  if (text === undefined) {
    text = digest(outcome.status, outcome.headers, outcome.body)
    texts.set(outcome, text)
  }
  return text
}

export function digest(status: number, headers: readonly HeaderLine[], body: Uint8Array | null): string {
  let text = `${status}`
  for (const [name, value] of headers) if (!isLive(name)) text += ` ${name}: ${value}`
  return `${text} ${body === null ? '(no body)' : latin1(body)}`
}

/** Lines that are made anew for every answer, and say so by their name. */
function isLive(name: string): boolean {
  return name.length > 10 && name.slice(0, 9).toLowerCase() === 'idempoten'
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
