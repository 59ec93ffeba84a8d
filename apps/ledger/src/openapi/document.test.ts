import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { assertMatches } from '../../testing/documented.ts'
import { type TestLedger, testLedger } from '../../testing/ledger.ts'
import { PROBLEM_TYPE_BASE, problemTypes } from '../problems.ts'
import { openApiDocument } from './document.ts'
import type { OpenApi, Operation } from './openapi.ts'

const document = openApiDocument()
const operations = Object.values(document.paths).flatMap((item): Operation[] => Object.values(item))

let ledger: TestLedger
beforeAll(async () => {
  ledger = await testLedger()
})
afterAll(() => ledger.close())

test('is OpenAPI 3.1', async () => {
  const result = await new Validator().validate(JSON.parse(JSON.stringify(document)) as Record<string, unknown>)
  expect(result.errors ?? []).toEqual([])
  expect(result.valid).toBe(true)
})

test('is served to anybody', async () => {
  const response = await ledger.app.inject('/openapi.json')
  expect(response.headers['content-type']).toMatch(/^application\/json/)
  expect(response.json()).toEqual(JSON.parse(JSON.stringify(document)))
})

test('has only routes that are served', () => {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of Object.keys(item)) {
      const route = { method: method.toUpperCase() as 'GET', url: path.replaceAll(/\{(\w+)\}/g, ':$1') }
      expect(ledger.app.hasRoute(route), `${method} ${path}`).toBe(true)
    }
  }
})

test('every reference leads somewhere', () => {
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path ?? '')
  expect(refs.length).toBeGreaterThan(10)
  for (const path of new Set(refs)) {
    const target = path.split('/').reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], document)
    expect(target, path).toBeDefined()
  }
})

test('every example is what its schema says', () => {
  let examples = 0
  for (const { operationId, requestBody, responses } of operations) {
    const contents = [requestBody, ...Object.values(responses)].flatMap((part) => Object.values(part?.content ?? {}))
    for (const { schema, examples: named = {} } of contents) {
      for (const [name, { value }] of Object.entries(named)) {
        examples++
        assertMatches(schema, value, `${operationId}, ${name}`)
      }
    }
  }
  expect(examples).toBeGreaterThan(20)
})

test('every POST says what its key is for, and every answer to it what became of the key', () => {
  const posts = Object.values(document.paths).flatMap(({ post }) => post ?? [])
  expect(posts).toHaveLength(2)
  for (const { parameters, responses } of posts) {
    expect(parameters).toEqual([{ $ref: '#/components/parameters/IdempotencyKey' }])
    for (const status of ['201', '400', '409', '422', '503'] as const) {
      expect(Object.keys(responses[status]?.headers ?? {}), status).toContain('Idempotent-Replayed')
    }
  }
})

test('schemas of bodies refuse what the service refuses', () => {
  const transfer = { from: 'a', to: 'b', amount: 1, currency: 'EUR' }
  const schema = { $ref: '#/components/schemas/NewTransfer' }
  assertMatches(schema, transfer, 'a transfer')
  for (const wrong of [{ ...transfer, amount: 0 }, { ...transfer, memo: '' }, { ...transfer, reference: 'a\0' }, {}]) {
    expect(() => assertMatches(schema, wrong, 'not a transfer')).toThrow(/not a transfer/)
  }
})

test('shows only problems that exist', () => {
  const shown =
    JSON.stringify(document satisfies OpenApi).match(/https:\/\/reprise\.dev\/problems\/ledger\/[\w-]+/g) ?? []
  const slugs = new Set(shown.map((type) => type.slice(PROBLEM_TYPE_BASE.length)))
  expect([...slugs].filter((slug) => !(slug in problemTypes))).toEqual([])
})
