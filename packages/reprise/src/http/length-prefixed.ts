/**
 * Text with its length in front. Of such pieces, one after the other, no two different tuples make the same text: with a
 * mere delimiter, `("a:b", "c")` and `("a", "b:c")` would.
 *
 * @example lengthPrefixed('a:b') + lengthPrefixed('c') // '3:a:b1:c'
 */
export function lengthPrefixed(text: string): string {
  return `${text.length}:${text}`
}
