/** Text that every part of the service can hold: JSON, SQLite and PostgreSQL alike. */
import { z } from 'zod'

/**
 * Control characters and lone surrogates are refused: PostgreSQL takes no NUL, and no database keeps half a surrogate
 * pair, so such a text would read differently from what its own 201 said.
 */
export function text(lengthMax: number): z.ZodString {
  return z
    .string()
    .min(1)
    .max(lengthMax)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'Invalid string: must not contain control characters')
}
