/** Members of an object put in order: RFC 8259 §4 calls an object an unordered collection. */

/** Up to this many members a plain insertion sort is faster than preparing a real one. */
const FEW = 16

/** `undefined`: two members share a name. */
export type CanonicalMembers = string | undefined

/**
 * Writes an object. `names` are quoted, `values` canonical; an empty value is a member that does not count, but whose
 * name still may not come twice. Both arrays may be reordered.
 */
export function canonicalMembers(names: string[], values: string[]): CanonicalMembers {
  if (names.length > FEW) return canonicalManyMembers(names, values)
  for (let next = 1; next < names.length; next++) {
    const name = names[next] as string
    const value = values[next] as string
    let at = next
    for (; at > 0; at--) {
      const before = names[at - 1] as string
      if (before < name) break
      if (before === name) return undefined
      names[at] = before
      values[at] = values[at - 1] as string
    }
    names[at] = name
    values[at] = value
  }
  let text = ''
  for (let at = 0; at < names.length; at++) text = withMember(text, names[at] as string, values[at] as string)
  return `{${text}}`
}

function canonicalManyMembers(names: readonly string[], values: readonly string[]): CanonicalMembers {
  // Names are compared and values never are, so that a large value costs nothing at each level around it.
  const order = names.map((_, index) => index)
  order.sort((a, b) => ((names[a] as string) < (names[b] as string) ? -1 : 1))
  let text = ''
  let last: string | undefined
  for (const index of order) {
    const name = names[index] as string
    if (name === last) return undefined
    text = withMember(text, name, values[index] as string)
    last = name
  }
  return `{${text}}`
}

function withMember(text: string, name: string, value: string): string {
  if (value === '') return text
  // The short side first: what is long already is then copied or linked once and not three times.
  return text + (text === '' ? `${name}:${value}` : `,${name}:${value}`)
}
