/** Randomness as a port. This is the only file of the library that draws random numbers. */

import { randomFillSync } from 'node:crypto'

export interface Randomness {
  /** 128 random bits as 22 characters of base64url. */
  attemptId(): string
  /** A number in [0, 1), for jitter: not secret. */
  fraction(): number
}

/** The machine's own randomness, drawn in blocks because one system call per id costs more than the id. */
export const systemRandomness: Randomness = /* @__PURE__ */ (() => {
  const block = Buffer.alloc(16 * 256)
  let used = block.length
  return {
    attemptId: () => {
      if (used === block.length) {
        randomFillSync(block)
        used = 0
      }
      used += 16
      return block.toString('base64url', used - 16, used)
    },
    fraction: () => Math.random(),
  }
})()
