/** Text that every part of the service can hold: JSON, SQLite and PostgreSQL alike. */
import { z } from 'zod'

/**
 * Control characters and lone surrogates are refused: PostgreSQL takes no NUL, and no database keeps half a surrogate
 * pair, so such a text would read differently from what its own 201 said.
 */
export function text(lengthMax: number): z.ZodString {
  return z.string().min(1).max(lengthMax).regex(HOLDABLE, 'Invalid string: must not contain control characters')
}

/** Whether a text can be in the database at all. What can't is not even asked for: PostgreSQL would call it an error. */
export function isHoldable(text: string): boolean {
  return HOLDABLE.test(text)
}

const HOLDABLE = /^[^\p{Cc}\p{Cs}]*$/u
