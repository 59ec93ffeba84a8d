// What clients have been told of each operation, and the law that all final answers of one are equal.
import assert from 'node:assert/strict'

export interface Answer {
  readonly status: number
  readonly text: string
  readonly replayed: boolean
  readonly shouldRetry: boolean
}

/** An answer as its client takes it. */
export type Meaning = 'done' | 'unknown' | 'in-progress' | 'again'

export function meaningOf({ status, text, shouldRetry }: Answer): Meaning {
  if (status === 201) return 'done'
  if (status === 409 && text.includes('/idempotency-outcome-unknown')) return 'unknown'
  if (status === 409 && text.includes('/idempotency-in-progress')) return 'in-progress'
  assert.ok(status === 503 || (status === 500 && shouldRetry), `nobody expects ${status}: ${text}`)
  return 'again'
}

export class Told {
  /** The answer of each operation that is done, and when it was first received. */
  readonly done: Map<string, { readonly text: string; readonly atMs: number }> = new Map()
  /** The record of each operation whose outcome was told to be unknown. */
  readonly unknown: Map<string, string> = new Map()

  note(key: string, answer: Answer): Meaning {
    const meaning = meaningOf(answer)
    if (meaning === 'done') {
      const earlier = this.done.get(key)
      if (earlier === undefined) this.done.set(key, { text: answer.text, atMs: performance.now() })
      else assert.equal(answer.text, earlier.text, `the answers to ${key}`)
    }
    if (meaning === 'unknown') {
      this.unknown.set(key, String((JSON.parse(answer.text) as { operation: unknown }).operation))
    }
    return meaning
  }
}
