/**
 * Bytes as text of one character each (U+0000 to U+00FF), for looking at what is mostly ASCII. Not by TextDecoder: the
 * label `latin1` means windows-1252 there (Encoding Standard §4.2), which some versions of Node follow and some do not.
 */
export function latin1Text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
