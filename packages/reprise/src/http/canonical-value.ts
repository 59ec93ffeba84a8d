/**
 * Canonical JSON of a value that a framework has already parsed, for routes where the bytes of the body are gone. A value
 * comes out as its JSON text would, as far as the parser kept it: a number that lost digits has lost them here too, and
 * a second member of one name can no longer be seen. Prefer the bytes where both can be had.
 */

import { hash } from 'node:crypto'
import { RepriseError } from '../engine/errors.ts'
import { type CanonicalJson, JSON_DEPTH_MAX } from './canonical-json.ts'
import { canonicalMembers } from './canonical-members.ts'
import { canonicalNumber } from './canonical-number.ts'
import type { PointerTree } from './json-pointer.ts'

/**
 * The canonical spelling of a parsed value, as `JSON.stringify` would choose what to write: `toJSON` is honoured, and
 * members that are undefined are not there. Bytes inside the value count by their digest.
 *
 * Throws `body-consumed` for a function, a symbol, and an object that keeps its content out of sight (Map, Blob,
 * FormData).
 */
export function canonicalValue(value: unknown, excluded?: PointerTree): CanonicalJson {
  const text = written(value, '', excluded, 0)
  if (text !== TOO_DEEP) return { kind: 'canonical', text }
  return { kind: 'refused', detail: `The body is nested more than ${JSON_DEPTH_MAX} deep.` }
}

/** No value has an empty spelling. */
const TOO_DEEP = ''

function written(value: unknown, key: string, excluded: PointerTree | undefined, depth: number): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
      // What JSON.stringify writes, except that NaN and the infinities, which no JSON text holds, stay apart from null.
      return String(value)
    case 'boolean':
      return String(value)
    case 'bigint':
      return canonicalNumber(String(value))
    case 'undefined':
      return 'null'
    case 'function':
    case 'symbol':
      throw unseen(`a ${typeof value}`)
    case 'object':
      if (value === null) return 'null'
  }
  const object = value as object
  if (depth >= JSON_DEPTH_MAX) return TOO_DEEP
  if (Array.isArray(object)) return writtenArray(object, excluded, depth + 1)
  const bytes = bytesOf(object)
  // Not a JSON string, so that no text of a client's can pass for it.
  if (bytes !== undefined) return `bytes:"${hash('sha256', bytes, 'base64url')}"`
  if ('toJSON' in object && typeof object.toJSON === 'function') {
    return written(object.toJSON(key), key, excluded, depth + 1)
  }
  return writtenObject(object as Record<string, unknown>, excluded, depth + 1)
}

function writtenArray(array: readonly unknown[], excluded: PointerTree | undefined, depth: number): string {
  let elements = ''
  for (let index = 0; index < array.length; index++) {
    const pointed = excluded?.get(`"${index}"`)
    if (pointed?.excluded === true) continue
    const text = written(array[index], String(index), pointed?.below, depth)
    if (text === TOO_DEEP) return TOO_DEEP
    elements = elements === '' ? text : `${elements},${text}`
  }
  return `[${elements}]`
}

function writtenObject(object: Record<string, unknown>, excluded: PointerTree | undefined, depth: number): string {
  const keys = Object.keys(object)
  if (keys.length === 0 && !isPlain(object)) throw unseen(object.constructor.name)
  const names: string[] = []
  const values: string[] = []
  for (const key of keys) {
    const value = object[key]
    if (value === undefined) continue
    const name = JSON.stringify(key)
    const pointed = excluded?.get(name)
    if (pointed?.excluded === true) continue
    const text = written(value, key, pointed?.below, depth)
    if (text === TOO_DEEP) return TOO_DEEP
    names.push(name)
    values.push(text)
  }
  // An object can't have two members of one name.
  return canonicalMembers(names, values) as string
}

/** All such bodies would have one fingerprint, and any would be answered with the outcome of any other. */
function unseen(what: string): RepriseError {
  return new RepriseError('body-consumed', `The parsed body holds ${what}, whose content can't be seen.`)
}

function isPlain(object: object): boolean {
  const prototype = Object.getPrototypeOf(object)
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null
}

/** The bytes of a Buffer, another view or an ArrayBuffer; `undefined` for anything else. */
export function bytesOf(value: object): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  return value instanceof ArrayBuffer ? new Uint8Array(value) : undefined
}
