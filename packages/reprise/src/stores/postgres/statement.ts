/**
 * Statements and how their parameters are written. Everything that the store says is made of numbers and hexadecimal
 * digits, also what clients have sent: there is nothing to escape, so a statement can travel as text with others around it
 * and through query builders that know nothing of parameters.
 */

/** Bytes as `\x…`, whole numbers, uuids as 32 hexadecimal digits, and arrays of them as `{…}`. */
export type Value = string | number | null

export interface Statement {
  readonly name: string
  readonly text: string
  /** PostgreSQL's names of the parameters' types. */
  readonly types: readonly string[]
}

/** What may stand in a parameter; nothing in it can end a literal. */
const harmless = /^[0-9a-zA-Z\\{},"\s_-]*$/

/** A statement whose parameters, `$1` and so on, are of these types. */
export function statementOf(name: string, types: readonly string[], text: string): Statement {
  const typed = text.replace(/\$(\d+)/g, (parameter, number: string) => `${parameter}::${types[Number(number) - 1]}`)
  return { name, types, text: typed }
}

/** A parameter as a literal of SQL. */
export function literal(value: Value): string {
  if (value === null) return 'null'
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new TypeError('A parameter is no whole number.')
    return String(value)
  }
  if (!harmless.test(value)) throw new TypeError('A parameter holds more than digits.')
  // Without E, a backslash means itself only while standard_conforming_strings is on.
  return value.includes('\\') ? `E'${value.replaceAll('\\', '\\\\')}'` : `'${value}'`
}

/** The statement as text, with its parameters in it. */
export function inline({ text }: Statement, values: readonly Value[]): string {
  return text.replace(/\$(\d+)/g, (_, number: string) => literal(values[Number(number) - 1] as Value))
}

/** What prepares the statement for a connection, once. */
export function prepareText({ name, text, types }: Statement): string {
  return `prepare ${name} (${types.join(', ')}) as ${text}`
}

/** What runs a statement that the connection has prepared. */
export function executeText({ name }: Statement, values: readonly Value[]): string {
  return values.length === 0 ? `execute ${name}` : `execute ${name} (${values.map(literal).join(', ')})`
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

/** Bytes as a parameter. */
export function bytea(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : `\\x${hexOf(bytes)}`
}

/** Text as a parameter of bytes. */
export function utf8(text: string): string {
  return `\\x${Buffer.from(text).toString('hex')}`
}

/** Parameters of one kind as an array of them. */
export function arrayOf(values: readonly Value[]): string {
  const items = values.map((value) => {
    if (value === null) return 'NULL'
    return typeof value === 'string' && value.includes('\\') ? `"${value.replaceAll('\\', '\\\\')}"` : String(value)
  })
  return `{${items.join(',')}}`
}

/** Bytes of a result, however a driver hands them out. */
export function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (typeof value === 'string' && value.startsWith('\\x')) return Buffer.from(value.slice(2), 'hex')
  throw new TypeError('The client hands out bytes in a form that is not known.')
}
