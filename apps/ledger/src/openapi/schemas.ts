/** The schemas of the document, made from those that check real requests. */
import { z } from 'zod'
import { Account, AccountPage, NewAccount, WorldAccount } from '../accounts/schema.ts'
import { Health } from '../health.ts'
import { NewTransfer, Transfer, TransferPage } from '../transfers/schema.ts'
import type { Ref, Schema } from './openapi.ts'

const Status = z.object({ status: z.string() }).meta({ id: 'Status', description: 'How the service is.' })

const Problem = z
  .looseObject({
    type: z.url().meta({ description: 'Names the condition. Compare it; there is no need to fetch it.' }),
    title: z.string().meta({ description: 'The condition in words, the same every time.' }),
    status: z.int().min(400).max(599),
    detail: z.string().meta({ description: 'This occurrence in words. Do not parse it.' }),
    code: z.string().meta({ description: 'The last part of `type`.' }),
    retryable: z.boolean().meta({ description: 'Whether the same request, sent again, may be answered otherwise.' }),
    retry_after: z.int().min(0).optional().meta({ description: 'Seconds to wait first, as in `Retry-After`.' }),
    key_action: z.enum(['reuse', 'new', 'fix', 'none']).meta({
      description:
        '`reuse` the key with the same request; take a `new` key for a corrected request; `fix` the request and keep the key.',
    }),
    outcome: z.enum(['none', 'applied', 'unknown', 'unchanged']).meta({ description: 'What became of the operation.' }),
    errors: z
      .array(
        z.object({
          pointer: z.string().optional().meta({ description: 'JSON pointer to the member of the body.' }),
          parameter: z.string().optional().meta({ description: 'Name of the query parameter.' }),
          detail: z.string(),
        }),
      )
      .optional()
      .meta({ description: 'Each fault of an invalid body or query.' }),
  })
  .meta({ id: 'Problem', description: 'What went wrong (RFC 9457), and what to do now.' })

const named: readonly z.ZodType[] = [
  NewAccount,
  Account,
  WorldAccount,
  AccountPage,
  NewTransfer,
  Transfer,
  TransferPage,
  Problem,
  Status,
  Health,
]

export type SchemaName =
  | 'NewAccount'
  | 'Account'
  | 'WorldAccount'
  | 'AccountPage'
  | 'NewTransfer'
  | 'Transfer'
  | 'TransferPage'
  | 'Problem'
  | 'Status'
  | 'Health'

export function ref(name: SchemaName): Ref {
  return { $ref: `#/components/schemas/${name}` }
}

/** `components.schemas`, where each schema refers to the others by name. */
export function componentSchemas(): Record<string, Schema> {
  const registry = z.registry<{ id: string }>()
  for (const schema of named) registry.add(schema, { id: String(schema.meta()?.id) })
  const { schemas } = z.toJSONSchema(registry, {
    uri: (id) => `#/components/schemas/${id}`,
    // What an answer may hold, not what this version puts in: clients have to expect new members.
    io: 'input',
    override: ({ jsonSchema }) => {
      // zod adds a pattern that spells the format out: 300 characters, made for machines, that say nothing more.
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern
    },
  })
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _dialect, $id: _id, ...schema }]) => [name, schema as Schema]),
  )
}
