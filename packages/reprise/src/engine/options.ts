/** Options are checked where they are given: an unknown name or a wrong kind is refused, with the name. */

import { parseDuration } from './duration.ts'
import { RepriseError } from './errors.ts'

/** Refuses names that are not among `known`, naming the nearest that is. */
export function refuseUnknown(where: string, given: object, known: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue
    const near = nearest(name, known)
    const hint = near === undefined ? `It takes ${known.join(', ')}.` : `Did you mean "${near}"?`
    throw new RepriseError('option-unknown', `${where} has no option "${name}". ${hint}`)
  }
}

/** Milliseconds of a duration option within its bounds. */
export function durationOption(
  where: string,
  name: string,
  value: unknown,
  bounds: { fallback: number; minMs?: number; maxMs?: number },
): number {
  if (value === undefined) return bounds.fallback
  const ms = parseDuration(value)
  const { minMs = 0, maxMs = Number.MAX_SAFE_INTEGER } = bounds
  if (ms === undefined || ms < minMs || ms > maxMs) {
    throw invalid(where, name, value, `a duration such as '30s' or '24h', from ${minMs} ms to ${maxMs} ms`)
  }
  return ms
}

/** A whole number within its bounds. */
export function integerOption(
  where: string,
  name: string,
  value: unknown,
  bounds: { fallback: number; min: number; max: number },
): number {
  if (value === undefined) return bounds.fallback
  if (typeof value !== 'number' || !Number.isInteger(value) || value < bounds.min || value > bounds.max) {
    throw invalid(where, name, value, `a whole number from ${bounds.min} to ${bounds.max}`)
  }
  return value
}

/** One of a few words. */
export function choiceOption<const T extends string>(
  where: string,
  name: string,
  value: unknown,
  choices: readonly T[],
  fallback?: T,
): T {
  if (value === undefined && fallback !== undefined) return fallback
  if (!choices.includes(value as T)) throw invalid(where, name, value, choices.map((c) => `'${c}'`).join(' or '))
  return value as T
}

/** The error for a value of the wrong kind. */
export function invalid(where: string, name: string, value: unknown, wanted: string): RepriseError {
  return new RepriseError('option-invalid', `${where}: "${name}" is ${show(value)}, but has to be ${wanted}.`)
}

function show(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = 3
  for (const candidate of known) {
    const d = distance(name.toLowerCase(), candidate.toLowerCase())
    if (d < bestDistance) {
      best = candidate
      bestDistance = d
    }
  }
  return best
}

/** Levenshtein distance: how many letters to add, drop or change. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
