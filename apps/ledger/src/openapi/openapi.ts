/** OpenAPI 3.1 as far as this service uses it. */

export interface OpenApi {
  readonly openapi: '3.1.1'
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly servers: readonly { readonly url: string }[]
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
  readonly paths: Readonly<Record<string, PathItem>>
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>
    readonly parameters: Readonly<Record<string, Parameter>>
    readonly headers: Readonly<Record<string, Header>>
    readonly securitySchemes: Readonly<Record<string, object>>
  }
}

export interface Ref {
  readonly $ref: string
}

export type Method = 'get' | 'post'
export type PathItem = Readonly<Partial<Record<Method, Operation>>>

export interface Operation {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly description: string
  /** Empty: anybody may ask. Absent: as the document says. */
  readonly security?: readonly []
  readonly parameters?: readonly (Parameter | Ref)[]
  readonly requestBody?: { readonly required: true; readonly content: Content }
  readonly responses: Readonly<Record<string, Response>>
}

export interface Parameter {
  readonly name: string
  readonly in: 'header' | 'path' | 'query'
  readonly required?: boolean
  readonly description: string
  readonly schema: Schema
  readonly example?: unknown
}

export interface Header {
  readonly description: string
  readonly schema: Schema
}

export interface Response {
  readonly description: string
  readonly headers?: Readonly<Record<string, Header | Ref>>
  readonly content: Content
}

export type Content = Readonly<Record<string, MediaType>>

export interface MediaType {
  readonly schema: Schema | Ref
  readonly examples?: Readonly<Record<string, Example>>
}

export interface Example {
  readonly summary: string
  readonly value: unknown
}

/** JSON Schema 2020-12. */
export interface Schema {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema | Ref>>
  readonly required?: readonly string[]
  readonly items?: Schema | Ref
  readonly anyOf?: readonly (Schema | Ref)[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly format?: string
  readonly [keyword: string]: unknown
}
