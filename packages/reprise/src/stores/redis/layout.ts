/**
 * Where things lie. Records are spread over 256 shelves by their ids; a shelf has a hash tag of its own, so that in a
 * Cluster its records and their index lie in one slot, and one script may write them together.
 */

import { isUtf8 } from 'node:buffer'
import { RepriseError } from '../../engine/errors.ts'
import type { Row } from '../rows/codec.ts'
import type { Written } from '../rows/rows.ts'

/** Part of the format: another number, and every record would be looked for in another place. */
export const shelfCount = 256
const slotCount = 16_384

export interface Shelf {
  /** Ids of its records, each with the time at which time alone next changes it; those that never change so come first. */
  readonly index: string
  /** Written where replicas are waited for and nothing else is: see replicas.ts. */
  readonly mark: string
}

export interface Layout {
  readonly shelves: readonly Shelf[]
  /** The shelf on which the record of an id lies. */
  shelfOf(id: string): number
  record(id: string): string
  /** The channel on which those who wait for a record are told. */
  channel(id: string): string
}

export function layoutOf(prefix: string): Layout {
  const homes = tags().map((tag) => `${prefix}{${tag}}:`)
  const homeOf = (id: string): string => homes[shelfOf(id)] as string
  return {
    shelves: homes.map((home) => ({ index: `${home}index`, mark: `${home}mark` })),
    shelfOf,
    record: (id) => `${homeOf(id)}r:${id}`,
    channel: (id) => `${prefix}wake:${id}`,
  }
}

function shelfOf(id: string): number {
  // FNV-1a, which spreads any text; ids of the engine are digests and spread by themselves.
  let hash = 0x811c9dc5
  for (let n = 0; n < id.length; n++) hash = Math.imul(hash ^ id.charCodeAt(n), 0x01000193)
  return (hash ^ (hash >>> 16)) & (shelfCount - 1)
}

/**
 * A tag for each shelf, such that their slots are 64 apart: masters that share the slots evenly share the records evenly,
 * which tags taken as they come do not achieve.
 */
function tags(): string[] {
  const found: string[] = Array.from({ length: shelfCount })
  for (let n = 0, left = shelfCount; left > 0; n++) {
    const shelf = Math.floor(slotOf(`${n}`) / (slotCount / shelfCount))
    if (found[shelf] !== undefined) continue
    found[shelf] = `${n}`
    left--
  }
  return found
}

/** CRC16 (XMODEM) modulo 16,384: the slot of a tag, as the Cluster specification says. */
export function slotOf(tag: string): number {
  let crc = 0
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
    crc &= 0xffff
  }
  return crc % slotCount
}

const newline = 10
const textMax = 16_384

/** A record is a line of JSON, and where there is a body, a line break and its bytes. */
export function encodeValue({ record, body }: Written): string | Buffer {
  if (body === null) return record
  // Most bodies are text, and clients send a command of texts faster than one with bytes among them.
  if (body.length <= textMax && isUtf8(body)) {
    return `${record}\n${Buffer.from(body.buffer, body.byteOffset, body.length).toString()}`
  }
  return Buffer.concat([Buffer.from(`${record}\n`), body])
}

/** Throws `record-unreadable` for text that came back other than it can have been written. */
export function rowOf(id: string, value: Buffer): Row {
  const end = value.indexOf(newline)
  const line = end === -1 ? value : value.subarray(0, end)
  // Compared later to the letter: a text with replaced characters would never be found again.
  if (!isUtf8(line)) throw new RepriseError('record-unreadable', `The record ${id} is damaged.`)
  // A copy: the bytes that a client hands out are part of all that it has just read, and would keep that alive.
  return { id, record: line.toString(), body: end === -1 ? null : new Uint8Array(value.subarray(end + 1)) }
}
