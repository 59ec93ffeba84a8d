/** Content-Type (RFC 9110 §8.3) in one spelling, and what kind of body it announces. */

export interface MediaType {
  /** In lower case, without what doesn't change the meaning of the body; the empty string where there is no type. */
  readonly text: string
  /** `other` bodies are taken byte for byte. */
  readonly kind: 'json' | 'form' | 'multipart' | 'other'
  /** Of a multipart type. */
  readonly boundary?: string
}

const NONE: MediaType = { text: '', kind: 'other' }

/** RFC 9110 §5.6.6: parameters = *( OWS ";" OWS [ parameter ] ), with a token or a quoted-string as value. */
const PARAMETER = /[ \t]*;[ \t]*(?:([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=(?:([^\s;"]+)|"((?:[^"\\]|\\.)*)"))?/gy

/**
 * Reads a Content-Type value.
 *
 * Parameters count (`;version=2` may choose another schema), sorted by name, except the boundary, which a client draws
 * anew for every attempt, and `charset=utf-8`, which says what is so without it. A value that does not follow the grammar
 * is kept as it is and its body taken byte for byte.
 *
 * @example mediaType('Application/JSON; charset=UTF-8') // { text: 'application/json', kind: 'json' }
 */
export function mediaType(contentType: string | undefined): MediaType {
  const value = contentType?.trim() ?? ''
  if (value === '') return NONE
  const essence = /^[^\s;,/]+\/[^\s;,/]+/.exec(value)?.[0].toLowerCase()
  if (essence === undefined) return { text: value, kind: 'other' }

  const parameters: string[] = []
  let boundary: string | undefined
  let end = essence.length
  PARAMETER.lastIndex = end
  for (let match = PARAMETER.exec(value); match !== null; match = PARAMETER.exec(value)) {
    end = PARAMETER.lastIndex
    const name = match[1]?.toLowerCase()
    if (name === undefined) continue
    const text = match[2] ?? (match[3] ?? '').replace(/\\(.)/g, '$1')
    if (name === 'boundary') boundary = text
    else if (name !== 'charset') parameters.push(`;${name}=${JSON.stringify(text)}`)
    else if (!/^utf-?8$/i.test(text)) parameters.push(`;charset=${text.toLowerCase()}`)
  }
  if (end !== value.length) return { text: value, kind: 'other' }

  const text = essence + parameters.sort().join('')
  if (essence.startsWith('multipart/'))
    return boundary ? { text, kind: 'multipart', boundary } : { text, kind: 'other' }
  return { text, kind: kindOf(essence) }
}

function kindOf(essence: string): MediaType['kind'] {
  // RFC 6839 §3.1: a type that ends in +json is read as JSON.
  if (essence === 'application/json' || essence.endsWith('+json')) return 'json'
  return essence === 'application/x-www-form-urlencoded' ? 'form' : 'other'
}
