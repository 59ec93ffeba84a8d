/** The OpenAPI document of the service. */
import { readFileSync } from 'node:fs'
import { WORLD } from '../accounts/schema.ts'
import { LIMIT_DEFAULT, LIMIT_MAX } from '../paging.ts'
import { PROBLEM_MEDIA_TYPE } from '../problems.ts'
import * as examples from './examples.ts'
import type { Content, Header, OpenApi, Operation, Parameter, Ref, Response } from './openapi.ts'
import { componentSchemas, ref, type SchemaName } from './schemas.ts'

const manifest = new URL('../../package.json', import.meta.url)

const introduction = `Accounts, and transfers between them. Every caller has a ledger of its own.

**Every POST is safe to retry.** Send an \`Idempotency-Key\` with it, a fresh one per operation, and send the same request
with the same key again whenever the answer got lost: after a timeout, a dropped connection, a crash on either side. The
operation happens once, and every retry is answered with the bytes of the first answer. A refusal is an answer too: once
refused, an operation stays refused, and a corrected request needs a new key.

**Money comes from \`${WORLD}\`.** A transfer from this account brings money into the ledger, one to it takes money out.
\`${WORLD}\` holds minus what all other accounts hold, so that the balances of a ledger always add up to 0. No other account
goes below 0. Amounts are integers in minor units of their currency: \`2500\` with \`EUR\` is 25 euros.

Every error is a problem (RFC 9457): \`type\` says what went wrong, \`key_action\` what to do about the key.`

export function openApiDocument(): OpenApi {
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  return {
    openapi: '3.1.1',
    info: { title: 'Ledger', version, description: introduction },
    servers: [{ url: '/' }],
    tags: [
      { name: 'Transfers', description: 'Money that moves.' },
      { name: 'Accounts', description: 'Where money is.' },
      { name: 'Service', description: 'How the service is.' },
    ],
    security: [{ bearer: [] }],
    paths: {
      '/v1/transfers': { post: createTransfer, get: listTransfers },
      '/v1/transfers/{id}': { get: getTransfer },
      '/v1/accounts': { post: createAccount, get: listAccounts },
      '/v1/accounts/{id}': { get: getAccount },
      '/healthz': { get: health },
      '/readyz': { get: readiness },
      '/health': { get: member },
    },
    components: {
      schemas: componentSchemas(),
      parameters,
      headers,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key. It names the ledger that is worked on.' },
      },
    },
  }
}

const parameters = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    required: true,
    description:
      'Names the operation. 1 to 255 characters, bare or in double quotes; a fresh random UUID is best. Keys of different ' +
      'callers never meet.',
    schema: { type: 'string', minLength: 1 },
    example: '8e03978e-40d5-43e8-bc93-6894a57f9324',
  },
  Limit: {
    name: 'limit',
    in: 'query',
    description: 'At most this many items.',
    schema: { type: 'integer', minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT },
  },
  Cursor: {
    name: 'cursor',
    in: 'query',
    description: '`next_cursor` of the page before.',
    schema: { type: 'string' },
  },
} as const satisfies Readonly<Record<string, Parameter>>

const headers = {
  Location: { description: 'The path of what was created.', schema: { type: 'string' } },
  'Idempotency-Key': {
    description: 'The key of the request: the answer was given under its protection.',
    schema: { type: 'string' },
  },
  'Idempotent-Replayed': {
    description: '`true` where the answer is that of an earlier attempt. Absent otherwise.',
    schema: { type: 'string', const: 'true' },
  },
  'Idempotency-Expires': {
    description: 'Until when a retry is answered with these bytes, as an HTTP date.',
    schema: { type: 'string' },
  },
  'Idempotency-Original-Request': {
    description: 'On a replay, the id of the request that did the work.',
    schema: { type: 'string' },
  },
  'Idempotency-Should-Retry': {
    description: 'Whether sending the same request again makes sense.',
    schema: { type: 'string', enum: ['true', 'false'] },
  },
  'Retry-After': { description: 'Seconds to wait before the next attempt.', schema: { type: 'integer', minimum: 0 } },
  'WWW-Authenticate': { description: 'How to authenticate.', schema: { type: 'string', const: 'Bearer' } },
} as const satisfies Readonly<Record<string, Header>>

type HeaderName = keyof typeof headers

/** Those of every outcome, first or replayed. */
const outcomeHeaders: readonly HeaderName[] = [
  'Idempotency-Key',
  'Idempotent-Replayed',
  'Idempotency-Expires',
  'Idempotency-Original-Request',
]

type Examples = Readonly<Record<string, readonly [summary: string, value: unknown]>>

const createTransfer: Operation = {
  operationId: 'createTransfer',
  tags: ['Transfers'],
  summary: 'Move money',
  description:
    'Takes `amount` from one account and adds it to the other, both or neither. The account that pays has to hold it, ' +
    `unless it is \`${WORLD}\`.`,
  parameters: [parameter('IdempotencyKey')],
  requestBody: {
    required: true,
    content: json('NewTransfer', {
      transfer: ['Between two accounts', examples.newTransfer],
      deposit: ['Money in from outside', examples.deposit],
    }),
  },
  responses: {
    '201': created('The money has moved.', 'Transfer', { posted: ['Posted', examples.transfer] }),
    ...refusals({
      insufficientFunds: ['The account that pays holds less', examples.insufficientFunds],
      unknownAccount: ['An account does not exist', examples.unknownAccount],
      currencyMismatch: ['An account holds another currency', examples.currencyMismatch],
      balanceLimit: ['The ledger would exceed exact numbers', examples.balanceLimit],
    }),
    '409': inProgress(),
  },
}

const createAccount: Operation = {
  operationId: 'createAccount',
  tags: ['Accounts'],
  summary: 'Open an account',
  description: 'Opens an account in one currency, with a balance of 0.',
  parameters: [parameter('IdempotencyKey')],
  requestBody: { required: true, content: json('NewAccount', { account: ['With an id', examples.newAccount] }) },
  responses: {
    '201': created('The account is open.', 'Account', { opened: ['Opened', { ...examples.account, balance: 0 }] }),
    ...refusals({}),
    '409': inProgress({ accountExists: ['The id is taken', examples.accountExists] }),
  },
}

const getTransfer: Operation = {
  operationId: 'getTransfer',
  tags: ['Transfers'],
  summary: 'Read a transfer',
  description: 'A transfer of the caller’s ledger.',
  parameters: [id('The id of a transfer.', examples.transfer.id)],
  responses: {
    '200': { description: 'The transfer.', content: json('Transfer', { posted: ['Posted', examples.transfer] }) },
    '401': unauthenticated(),
    '404': failure('There is no such transfer.', { notFound: ['Not found', examples.transferNotFound] }),
    '503': absent(),
    default: anythingElse(),
  },
}

const getAccount: Operation = {
  operationId: 'getAccount',
  tags: ['Accounts'],
  summary: 'Read an account',
  description: `An account of the caller’s ledger, with its balance. \`${WORLD}\` also says what it holds of each currency.`,
  parameters: [id('The id of an account.', examples.account.id)],
  responses: {
    '200': {
      description: 'The account.',
      content: {
        'application/json': {
          schema: { anyOf: [ref('Account'), ref('WorldAccount')] },
          examples: exampleList({
            account: ['An account', examples.account],
            world: [`The account ${WORLD}`, examples.world],
          }),
        },
      },
    },
    '401': unauthenticated(),
    '404': failure('There is no such account.', { notFound: ['Not found', examples.accountNotFound] }),
    '503': absent(),
    default: anythingElse(),
  },
}

const listTransfers: Operation = {
  operationId: 'listTransfers',
  tags: ['Transfers'],
  summary: 'List transfers',
  description: 'The transfers of the caller’s ledger, the newest first.',
  parameters: [parameter('Limit'), parameter('Cursor')],
  responses: {
    '200': { description: 'A page.', content: json('TransferPage', { page: ['A page', examples.transferPage] }) },
    '400': failure('A parameter is not valid.', { query: ['An unknown cursor', examples.queryInvalid] }),
    '401': unauthenticated(),
    '503': absent(),
    default: anythingElse(),
  },
}

const listAccounts: Operation = {
  operationId: 'listAccounts',
  tags: ['Accounts'],
  summary: 'List accounts',
  description:
    `The accounts of the caller’s ledger in the order of their creation, \`${WORLD}\` first. One page is one state of the ` +
    'ledger. The balances of all accounts add up to 0.',
  parameters: [parameter('Limit'), parameter('Cursor')],
  responses: {
    '200': { description: 'A page.', content: json('AccountPage', { page: ['A page', examples.accountPage] }) },
    '400': failure('A parameter is not valid.', { query: ['An unknown cursor', examples.queryInvalid] }),
    '401': unauthenticated(),
    '503': absent(),
    default: anythingElse(),
  },
}

const health: Operation = {
  operationId: 'health',
  tags: ['Service'],
  summary: 'Is the process up?',
  description: 'Answers as long as the process does. For restarting it when it does not.',
  security: [],
  responses: { '200': { description: 'It is.', content: json('Status', { up: ['Up', { status: 'up' }] }) } },
}

const readiness: Operation = {
  operationId: 'readiness',
  tags: ['Service'],
  summary: 'Does it want requests?',
  description: 'Whether the database answers and the service is not stopping. For load balancers.',
  security: [],
  responses: {
    '200': { description: 'It does.', content: json('Status', { ready: ['Ready', { status: 'ready' }] }) },
    '503': failure('Not now.', { notReady: ['Stopping', examples.notReady] }),
  },
}

const member: Operation = {
  operationId: 'member',
  tags: ['Service'],
  summary: 'Which process is it?',
  description: 'Several processes may share this address. This says which of them has answered.',
  security: [],
  responses: {
    '200': { description: 'This one.', content: json('Health', { up: ['One of several', examples.health] }) },
  },
}

/** What every keyed operation may answer besides its success and its conflicts. */
function refusals(own: Examples): Record<string, Response> {
  return {
    '400': keyed('The key is missing or not valid, or the body is not what the operation takes.', {
      validationFailed: ['A member of the body is not valid', examples.validationFailed],
      keyMissing: ['No key', examples.keyMissing],
    }),
    '401': unauthenticated(),
    '410': keyed('The key is so old that its answer is forgotten. Nothing is run.', {
      keyExpired: ['Too old', examples.keyExpired],
    }),
    '413': failure('The body is too large.', {}),
    '415': failure('The body is not JSON, or in a content coding that is not known.', {}),
    '422': keyed('Refused, or the key belongs to another request.', {
      ...own,
      keyReused: ['The key belongs to another request', examples.keyReused],
    }),
    '425': keyed('The request came in TLS early data, which the network may repeat.', {}),
    '503': keyed('The database can not be reached. Nothing happened.', {
      unavailable: ['Out of reach', examples.unavailable],
    }),
    default: anythingElse(),
  }
}

function inProgress(own: Examples = {}): Response {
  const all: Examples = { ...own, inProgress: ['The first attempt is still running', examples.inProgress] }
  const what = Object.keys(own).length > 0 ? 'The id is taken, or the' : 'The'
  return keyed(`${what} first attempt with this key is still running.`, all)
}

function created(description: string, schema: SchemaName, all: Examples): Response {
  return { description, headers: headerRefs(['Location', ...outcomeHeaders]), content: json(schema, all) }
}

function keyed(description: string, all: Examples): Response {
  return {
    ...failure(description, all),
    headers: headerRefs([...outcomeHeaders, 'Idempotency-Should-Retry', 'Retry-After']),
  }
}

function unauthenticated(): Response {
  const answer = failure('The key of the caller is missing or unknown.', {
    unauthenticated: ['Not known', examples.unauthenticated],
  })
  return { ...answer, headers: headerRefs(['WWW-Authenticate']) }
}

function absent(): Response {
  return failure('The database does not answer.', { absent: ['Out of reach', examples.absent] })
}

/** What can happen to every request: one that is no HTTP, and a bug. */
function anythingElse(): Response {
  return failure('Anything else that goes wrong.', {
    internalError: ['A fault of the service', examples.internalError],
  })
}

function failure(description: string, all: Examples): Response {
  return { description, content: { [PROBLEM_MEDIA_TYPE]: { schema: ref('Problem'), examples: exampleList(all) } } }
}

function json(schema: SchemaName, all: Examples): Content {
  return { 'application/json': { schema: ref(schema), examples: exampleList(all) } }
}

function exampleList(all: Examples): Record<string, { summary: string; value: unknown }> {
  return Object.fromEntries(Object.entries(all).map(([name, [summary, value]]) => [name, { summary, value }]))
}

function headerRefs(names: readonly HeaderName[]): Record<string, Ref> {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}

function parameter(name: keyof typeof parameters): Ref {
  return { $ref: `#/components/parameters/${name}` }
}

function id(description: string, example: string): Parameter {
  return { name: 'id', in: 'path', required: true, description, schema: { type: 'string' }, example }
}
