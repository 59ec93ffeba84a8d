/** Chance from a seed: the same seed draws the same numbers, in every process and on every machine. */

/** sfc32, a small fast generator with 128 bits of state; nothing here has to be secret. */
export class Random {
  #a: number
  #b: number
  #c: number
  #d: number

  constructor(seed: number) {
    this.#a = seed | 0
    // Seeds are used in rows (1, 2, 3, …), whose upper half is zero.
    this.#b = (seed / 4_294_967_296) | 0
    this.#c = 0x9e3779b9
    this.#d = 1
    for (let i = 0; i < 12; i++) this.u32()
  }

  u32(): number {
    const t = (((this.#a + this.#b) | 0) + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + t) | 0
    return t >>> 0
  }

  /** In [0, 1). */
  fraction(): number {
    return this.u32() / 4_294_967_296
  }

  /** True with this probability. An impossible thing draws nothing. */
  chance(probability: number): boolean {
    return probability > 0 && this.fraction() < probability
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit)
  }

  between(min: number, max: number): number {
    return min + this.fraction() * (max - min)
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T
  }
}
