/** Waiting for what has to happen soon, in real time: a check that would hang fails instead, and says for what. */

import assert from 'node:assert/strict'

const patienceMs = 5_000

/** The value of `promise`, or a failure that says `what` did not happen. */
export async function soon<T>(what: string, promise: Promise<T>, withinMs: number = patienceMs): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new assert.AssertionError({ message: `${what}: not within ${withinMs} ms` })),
      withinMs,
    )
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Lets everything that is ready run, this many times. */
export async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve)
    })
  }
}
