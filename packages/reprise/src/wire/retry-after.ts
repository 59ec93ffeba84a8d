/** Retry-After (RFC 9110 §10.2.3): how long to wait, as seconds or as a date. */

import { parseHttpDate } from './http-date.ts'

/** The longest wait that is believed unless another is given: five minutes. */
export const RETRY_AFTER_MAX_MS = 300_000

/** RFC 9111 §1.2.2: the largest number of seconds that every recipient can be expected to hold. */
const DELTA_SECONDS_MAX = 2_147_483_648

/**
 * Milliseconds to wait from `nowMs`, between 0 and `maxMs`, or `undefined` where the value says nothing usable: absent,
 * negative, fractional, or no date. A date that has passed is 0.
 *
 * @example
 * parseRetryAfter('3', now) // 3000
 * parseRetryAfter('1.5', now) // undefined
 */
export function parseRetryAfter(
  value: string | null | undefined,
  nowMs: number,
  maxMs: number = RETRY_AFTER_MAX_MS,
): number | undefined {
  const text = value?.trim()
  if (text === undefined || text === '') return undefined
  // "Retry-After = HTTP-date / delay-seconds", "delay-seconds = 1*DIGIT".
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, maxMs)
  const atMs = parseHttpDate(text, nowMs)
  return atMs === undefined ? undefined : Math.min(Math.max(atMs - nowMs, 0), maxMs)
}

/** Whole seconds to announce for a wait: rounded up, so that nobody comes back early, and at least 1. */
export function retryAfterSeconds(waitMs: number): number {
  if (!(waitMs > 0)) return 1
  return Math.min(Math.ceil(waitMs / 1000), DELTA_SECONDS_MAX)
}

/**
 * The value of a Retry-After header for a wait, always in its seconds form.
 *
 * @example printRetryAfter(1200) // '2'
 */
export function printRetryAfter(waitMs: number): string {
  return String(retryAfterSeconds(waitMs))
}
