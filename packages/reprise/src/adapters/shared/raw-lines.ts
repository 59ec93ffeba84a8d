/**
 * The lines of a field, from Node's raw headers (names and values in turn). Node's own value has them joined, and a second
 * key would hide in it.
 */
export function rawLines(raw: readonly string[], name: string): string[] {
  const lower = name.toLowerCase()
  const lines: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    const field = raw[i] as string
    if (field.length === lower.length && field.toLowerCase() === lower) lines.push(raw[i + 1] as string)
  }
  return lines
}
