/** A JSON schema of an object as rows of a table. */
import type { Ref, Schema } from '../openapi/openapi.ts'

export interface Field {
  readonly name: string
  readonly required: boolean
  readonly type: string
  /** Names of the schemas that the field consists of. */
  readonly refs: readonly string[]
  readonly description: string
  readonly limits: readonly string[]
}

export function fieldsOf({ properties = {}, required = [] }: Schema): Field[] {
  return Object.entries(properties).map(([name, property]) => {
    const refs = refsOf(property)
    // What a reference leads to is described there.
    const schema: Schema = isRef(property) ? {} : property
    return {
      name,
      required: required.includes(name),
      type: typeOf(schema),
      refs,
      description: schema.description ?? '',
      limits: limitsOf(schema),
    }
  })
}

function isRef(schema: Schema | Ref): schema is Ref {
  return '$ref' in schema
}

/** The names that a schema refers to. */
export function refsOf(schema: Schema | Ref): string[] {
  if (isRef(schema)) return [schema.$ref.split('/').at(-1) ?? '']
  const { items, anyOf = [] } = schema
  return [...(items === undefined ? [] : refsOf(items)), ...anyOf.flatMap(refsOf)]
}

function typeOf(schema: Schema): string {
  const { type } = schema
  if (type === 'array') return 'list of'
  if (type !== undefined) return [type].flat().join(' or ')
  return schema.const === undefined ? '' : typeof schema.const
}

function limitsOf(schema: Schema): string[] {
  const { minimum, maximum, minLength, maxLength, pattern, format } = schema
  const limits: string[] = []
  if (schema.const !== undefined) limits.push(`= ${JSON.stringify(schema.const)}`)
  if (schema.enum !== undefined) limits.push(schema.enum.map((value) => JSON.stringify(value)).join(' | '))
  if (minimum !== undefined && minimum !== Number.MIN_SAFE_INTEGER) limits.push(`≥ ${minimum}`)
  if (maximum !== undefined && maximum !== Number.MAX_SAFE_INTEGER) limits.push(`≤ ${maximum}`)
  if (minLength !== undefined && minLength !== 0) limits.push(`length ≥ ${minLength}`)
  if (maxLength !== undefined) limits.push(`length ≤ ${maxLength}`)
  if (pattern !== undefined) limits.push(pattern)
  if (format !== undefined) limits.push(format)
  if (schema.default !== undefined) limits.push(`default ${JSON.stringify(schema.default)}`)
  return limits
}
