/** Holds answers against the OpenAPI document: status, content type, headers and schema. */
import assert from 'node:assert/strict'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { openApiDocument } from '../src/openapi/document.ts'
import type { Method, Operation, Ref } from '../src/openapi/openapi.ts'

export interface Answered {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

const document = openApiDocument()
export const ajv = new Ajv2020({ strict: false, allErrors: true })
formats.default(ajv)
ajv.addSchema(document, 'openapi')

const routes = Object.entries(document.paths).map(([template, item]) => ({
  pattern: new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  item,
}))

/** Fails unless the document promises this answer. What it has no operation for has to be a problem. */
export function assertDocumented({ method, path, status, headers, body }: Answered): void {
  const route = routes.find(({ pattern }) => pattern.test(path.split('?')[0] ?? ''))
  const operation: Operation | undefined = route?.item[method.toLowerCase() as Method]
  const where = `${method} ${path} → ${status}`
  const type = String(headers['content-type']).split(';')[0] ?? ''
  if (operation === undefined) {
    assert.equal(type, 'application/problem+json', where)
    assertMatches({ $ref: '#/components/schemas/Problem' }, JSON.parse(body), where)
    return
  }
  // The document's "default" is for what may happen to any request, and for nothing else.
  const { code } = JSON.parse(body) as { code?: string }
  const anyRequest = code === 'internal-error' || code === 'bad-request'
  const response = operation.responses[status] ?? (anyRequest ? operation.responses.default : undefined)
  assert.ok(response, `${where} (${code}) is not documented`)
  const media = response.content[type]
  assert.ok(media, `${where} is not documented as ${type}`)
  const value: unknown = JSON.parse(body)
  assertMatches(media.schema, value, where)
  if (type === 'application/problem+json') assert.equal((value as { status: number }).status, status, where)
  for (const name of status === 201 ? ['location', 'idempotency-key', 'idempotency-expires'] : []) {
    assert.ok(headers[name], `${where} has no ${name}`)
  }
}

export function assertMatches(schema: object, value: unknown, where: string): void {
  const text = JSON.stringify(schema).replaceAll('"#/', '"openapi#/')
  const validate = ajv.compile(JSON.parse(text) as Ref)
  assert.ok(validate(value), `${where}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`)
}
