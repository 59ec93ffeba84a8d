/** Chance as a port. An id tells nothing: not who made the thing, not when, not how many there are. */
import { randomUUID } from 'node:crypto'

export type NewId = () => string

export const randomId: NewId = () => randomUUID()
