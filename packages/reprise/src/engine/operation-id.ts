/** The names under which the world outside knows an operation: its id in stores, and its keys downstream. */

import { hash } from 'node:crypto'

/**
 * The id of a record: SHA-256 over the length-prefixed (namespace, scope, principal, key), as 43 characters of
 * base64url. Length prefixes keep `("a", "bc")` and `("ab", "c")` apart; only this digest ever meets a store. With a
 * pepper it is HMAC-SHA-256 (RFC 2104).
 */
export function operationId(
  parts: { namespace: string; scope: string; principal: string; key: string },
  pepper: Pepper | undefined,
): string {
  const { namespace, scope, principal, key } = parts
  const tuple = `${namespace.length}:${namespace}${scope.length}:${scope}${principal.length}:${principal}${key}`
  return pepper === undefined ? hash('sha256', tuple, 'base64url') : hmac(pepper, tuple)
}

/**
 * A key for a system downstream: the same for every attempt of the operation, different for every name and
 * every principal, and never the client's own key.
 */
export function downstreamKey(id: string, name: string): string {
  return hash('sha256', `downstream:${id.length}:${id}${name}`, 'base64url')
}

/** A pepper with its two HMAC pads worked out once. */
export interface Pepper {
  readonly inner: Buffer
  readonly outer: Buffer
}

/** Prepares a pepper of at least 32 bytes. */
export function pepperOf(secret: Uint8Array): Pepper {
  const block = Buffer.alloc(64)
  block.set(secret.length > 64 ? hash('sha256', secret, 'buffer') : secret)
  return { inner: block.map((byte) => byte ^ 0x36) as Buffer, outer: block.map((byte) => byte ^ 0x5c) as Buffer }
}

function hmac(pepper: Pepper, text: string): string {
  const inner = hash('sha256', Buffer.concat([pepper.inner, Buffer.from(text)]), 'buffer')
  return hash('sha256', Buffer.concat([pepper.outer, inner]), 'base64url')
}
