/** A record's id as PostgreSQL keeps it, and the numbers under which its attempts lock each other out. */

/**
 * The two halves of an id, as uuids. The first 128 bits of the digest are the primary key, since an index of them is half as
 * large; the rest lies beside them, to give the whole id back and to tell two ids apart that should ever share a first half.
 */
export function halves(id: string): { readonly first: string; readonly rest: string } {
  const hex = Buffer.from(id, 'base64url').toString('hex')
  return { first: hex.slice(0, 32), rest: hex.slice(32) }
}

export function idOf(first: string, rest: string): string {
  return Buffer.from((first + rest).replaceAll('-', ''), 'hex').toString('base64url')
}

/**
 * The advisory locks of an operation in flight, as signed 64-bit numbers: the first of id and fingerprint, the second of the
 * id alone. Who gets neither has met the same request; who fails at the second only, another request under the same key.
 * That they are numbers of all applications of the database is no danger: they spare work, and the primary key guards.
 */
export function locksOf(id: string, fingerprint: string): { readonly same: string; readonly any: string } {
  const bytes = Buffer.from(id, 'base64url')
  const any = bytes.readBigInt64BE(16)
  return { same: BigInt.asIntN(64, any ^ digest(fingerprint)).toString(), any: any.toString() }
}

/** The lock by which those who wait for an operation say so. */
export function waitingLock(id: string): string {
  return Buffer.from(id, 'base64url').readBigInt64BE(24).toString()
}

/** 64 bits of a fingerprint, which ends in a digest of its own (two lanes of FNV-1a, and never 0). */
function digest(text: string): bigint {
  let low = 0x811c9dc5
  let high = 0x01000193
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    low = Math.imul(low ^ code, 0x01000193)
    high = Math.imul(high ^ code, 0x811c9dc5)
  }
  return (BigInt(high >>> 0) << 32n) | BigInt((low | 1) >>> 0)
}
