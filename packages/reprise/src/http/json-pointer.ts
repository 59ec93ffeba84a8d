/** What a route leaves out of its fingerprint, as JSON Pointers (RFC 6901) made ready for lookups. */

import { invalid } from '../engine/options.ts'
import { fieldText } from './canonical-form.ts'

/** The members of one object, or elements of one array, that a pointer passes through or ends at. By quoted name. */
export type PointerTree = ReadonlyMap<string, PointerNode>

export interface PointerNode {
  /** A pointer ends here: this value does not count. */
  readonly excluded: boolean
  readonly below: PointerTree | undefined
}

/** Prepared pointers. */
export interface Exclusions {
  readonly tree: PointerTree
  /** For forms, whose fields have no depth: the names of pointers with one step, as canonical forms spell them. */
  readonly fields: ReadonlySet<string>
}

interface GrowingNode extends PointerNode {
  excluded: boolean
  below: Map<string, GrowingNode> | undefined
}

/**
 * Prepares pointers such as `/meta/sent_at` or `/items/0/nonce`; `undefined` for an empty list.
 *
 * Throws `option-invalid` for text that is no pointer, and for the empty pointer: it names the whole body, and all bodies
 * would become the same request.
 */
export function compilePointers(pointers: readonly string[]): Exclusions | undefined {
  if (pointers.length === 0) return undefined
  const tree = new Map<string, GrowingNode>()
  const fields = new Set<string>()
  for (const pointer of pointers) {
    const steps = stepsOf(pointer)
    let node: GrowingNode | undefined
    for (const step of steps) {
      let level: Map<string, GrowingNode> = tree
      if (node !== undefined) {
        node.below ??= new Map()
        level = node.below
      }
      // The form in which canonical JSON writes a name, so that looking one up costs no unquoting.
      const name = JSON.stringify(step)
      node = level.get(name) ?? { excluded: false, below: undefined }
      level.set(name, node)
    }
    if (node !== undefined) node.excluded = true
    if (steps.length === 1) fields.add(fieldText(steps[0] ?? ''))
  }
  return { tree, fields }
}

function stepsOf(pointer: string): string[] {
  // RFC 6901 §3: json-pointer = *( "/" reference-token ), escaped = "~" ( "0" / "1" ).
  if (!pointer.startsWith('/') || /~(?![01])/.test(pointer)) {
    throw invalid('The fingerprint', 'exclude', pointer, 'JSON Pointers: /a/b, with ~0 for a tilde and ~1 for a slash')
  }
  // RFC 6901 §4: "first transforming any occurrence of the sequence '~1' to '/', and then […] '~0' to '~'".
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}
