import { describe, expect, it } from 'vitest'
import type { Attempt } from '../engine/attempt.ts'
import { NotApplied } from '../engine/errors.ts'
import type { Store } from '../engine/store.ts'
import { createReprise, type RepriseOptions } from '../reprise.ts'
import { type MemoryTx, memory } from '../stores/memory.ts'
import type { Answer, Captured } from './answer.ts'
import { reply } from './reply.ts'
import type { HttpRequest, RequestBody } from './request.ts'
import type { RouteOptions } from './route-options.ts'

const decoder = new TextDecoder()

interface Sent {
  method?: string
  target?: string
  key?: string | string[]
  headers?: Record<string, string>
  body?: string | RequestBody
}

function request({
  method = 'POST',
  target = '/orders',
  key = 'k1',
  headers = {},
  body = '{"a":1}',
}: Sent): HttpRequest {
  const all: Record<string, string> = { 'content-type': 'application/json', 'x-tenant': 't', ...headers }
  const lines = typeof key === 'string' ? (key === '' ? [] : [key]) : key
  return {
    method,
    target,
    native: undefined,
    headers: {
      get: (name) => all[name.toLowerCase()] ?? null,
      lines: (name) => (name.toLowerCase() === 'idempotency-key' ? lines : []),
    },
    body: () => (typeof body === 'string' ? { kind: 'bytes', bytes: new TextEncoder().encode(body) } : body),
  }
}

function setUp(
  options: Partial<RouteOptions> = {},
  service: { store?: Store<MemoryTx> } & Partial<Omit<RepriseOptions<MemoryTx>, 'store'>> = {},
) {
  const store = service.store ?? memory()
  const reprise = createReprise<MemoryTx>({
    principal: (from: HttpRequest) => from.headers.get('x-tenant'),
    ...service,
    store,
  } as RepriseOptions<MemoryTx>)
  const route = reprise.route({ name: 'order.create', guarantee: 'transactional', ...options })
  let runs = 0
  type Handler = (attempt: Attempt<MemoryTx>) => Captured | Promise<Captured>
  const created: Handler = () => ({
    kind: 'response',
    ...reply(201, { id: runs }, { location: '/orders/1', 'set-cookie': 's=1' }),
  })
  return {
    store,
    reprise,
    runs: () => runs,
    send: (sent: Sent = {}, handler: Handler = created): Promise<Answer> =>
      route.handle(request(sent), (attempt) => {
        runs++
        return handler(attempt)
      }),
  }
}

const responding =
  (status: number): (() => Captured) =>
  () => ({ kind: 'response', ...reply(status, { status }) })

function problemOf(answer: Answer): { status: number; code: string; [member: string]: unknown } {
  if (answer.kind !== 'response' || answer.response.body === null) throw new Error(`The answer is ${answer.kind}.`)
  return JSON.parse(decoder.decode(answer.response.body))
}

const header = (answer: Answer, name: string): string | undefined => {
  const lines =
    answer.kind === 'own'
      ? [...answer.response.headers, ...answer.added]
      : answer.kind === 'response'
        ? answer.response.headers
        : []
  return lines.find(([one]) => one.toLowerCase() === name)?.[1]
}

describe('what is refused before any record', () => {
  it.each<[string, Sent, Partial<RouteOptions>, number, string]>([
    ['no principal', { headers: { 'x-tenant': '' } }, {}, 401, 'principal-missing'],
    ['no key', { key: '' }, {}, 400, 'idempotency-key-missing'],
    ['an empty key', { key: '""' }, {}, 400, 'idempotency-key-invalid'],
    ['a key twice', { key: ['a', 'a'] }, {}, 400, 'idempotency-key-invalid'],
    ['a bare key where it must be quoted', { key: 'bare' }, { keySyntax: 'strict' }, 400, 'idempotency-key-invalid'],
    ['a short key', { key: 'short' }, { keyMinLength: 16 }, 400, 'idempotency-key-invalid'],
    ['early data', { headers: { 'early-data': '1' } }, {}, 425, 'too-early'],
    ['a body that is too large', { body: { kind: 'too-large' } }, {}, 413, 'request-body-too-large'],
    ['a body that ends early', { body: { kind: 'incomplete' } }, {}, 400, 'request-body-invalid'],
    ['a member twice', { body: '{"amount":1,"amount":1000}' }, {}, 400, 'request-body-invalid'],
    ['an unknown coding', { headers: { 'content-encoding': 'zip' } }, {}, 415, 'request-coding-unsupported'],
  ])('%s', async (_, sent, options, status, code) => {
    const { send, runs, store } = setUp(options)
    const answer = await send(sent)
    expect(problemOf(answer)).toMatchObject({ status, code })
    expect(header(answer, 'cache-control')).toBe('no-store')
    expect(runs()).toBe(0)
    expect((await store.list({})).items).toEqual([])
  })

  it('a missing principal before the store is asked', async () => {
    const asked = (): never => {
      throw new Error('The store was asked.')
    }
    const store = Object.assign(memory(), { begin: asked, claim: asked, find: asked })
    const { send } = setUp({}, { store })
    expect(problemOf(await send({ headers: { 'x-tenant': '' } })).status).toBe(401)
  })

  it.each(['GET', 'HEAD', 'OPTIONS', 'TRACE'])('nothing of a %s, whose key is ignored', async (method) => {
    const { send } = setUp()
    expect(await send({ method })).toEqual({ kind: 'pass' })
  })

  it('nothing where keys are optional and none came, or off', async () => {
    expect(await setUp({ key: 'optional' }).send({ key: '' })).toEqual({ kind: 'pass' })
    expect(await setUp({ key: 'off' }).send()).toEqual({ kind: 'pass' })
  })
})

describe('keys that carry their time', () => {
  const uuidv7 = (ms: number): string => {
    const hex = ms.toString(16).padStart(12, '0')
    return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000001`
  }
  it.each<[string, number, number, string]>([
    ['older than retention and tombstone', -9 * 86_400_000, 410, 'idempotency-key-expired'],
    // One from a clock ahead, used at once, is forgotten that much before its own time says so.
    ['so old that one from a clock ahead is forgotten', -8 * 86_400_000 + 299_000, 410, 'idempotency-key-expired'],
    ['from the future', 3_600_000, 400, 'idempotency-key-invalid'],
  ])('%s: refused without a record', async (_, ageMs, status, code) => {
    const { send, reprise } = setUp({ keyFormat: 'uuidv7' })
    expect(problemOf(await send({ key: uuidv7(Date.now() + ageMs) }))).toMatchObject({ status, code })
    expect((await reprise.list()).items).toEqual([])
  })
  it('of now: run', async () => {
    expect(await setUp({ keyFormat: 'uuidv7' }).send({ key: uuidv7(Date.now()) })).toMatchObject({ kind: 'own' })
  })
})

describe('the first answer and its replays', () => {
  it('have the same status, outcome headers and bytes; only the replay says so', async () => {
    const { send, runs } = setUp({}, { requestId: () => 'req-1' })
    const first = await send()
    const again = await send({ key: '"k1"', body: '{ "a": 1.0 }' })

    expect(first.kind === 'own' && [first.response.status, decoder.decode(first.response.body ?? undefined)]).toEqual([
      201,
      '{"id":1}',
    ])
    expect(again).toMatchObject({ kind: 'response', response: { status: 201 } })
    expect(again.kind === 'response' && decoder.decode(again.response.body ?? undefined)).toBe('{"id":1}')
    expect(header(again, 'location')).toBe('/orders/1')
    expect([header(first, 'idempotent-replayed'), header(again, 'idempotent-replayed')]).toEqual([undefined, 'true'])
    expect([header(first, 'idempotency-key'), header(again, 'idempotency-key')]).toEqual(['k1', '"k1"'])
    expect(header(again, 'idempotency-expires')).toBe(header(first, 'idempotency-expires'))
    expect([header(first, 'set-cookie'), header(again, 'set-cookie')]).toEqual(['s=1', undefined])
    expect([header(first, 'idempotency-original-request'), header(again, 'idempotency-original-request')]).toEqual([
      undefined,
      'req-1',
    ])
    expect(runs()).toBe(1)
  })

  it.each<[string, Sent, string[]]>([
    ['method', { method: 'PUT' }, ['method']],
    ['path', { target: '/refunds' }, ['target']],
    ['query', { target: '/orders?dry=1' }, ['target']],
    ['body', { body: '{"a":2}' }, ['body']],
    ['chosen header', { headers: { 'if-match': '"2"' } }, ['headers']],
  ])('another %s under the same key is refused by name, and changes nothing', async (_, sent, mismatch) => {
    const { send, runs } = setUp()
    await send()
    expect(problemOf(await send(sent))).toMatchObject({ status: 422, code: 'idempotency-key-reused', mismatch })
    expect(header(await send(), 'idempotent-replayed')).toBe('true')
    expect(runs()).toBe(1)
  })

  it('another principal has a namespace of its own', async () => {
    const { send, runs } = setUp()
    await send()
    expect(await send({ headers: { 'x-tenant': 'other' } })).toMatchObject({ kind: 'own' })
    expect(runs()).toBe(2)
  })

  it.each([400, 402, 404, 409, 410, 412, 422, 451])(
    'a refusal of %d is recorded, without its effect',
    async (status) => {
      const { send, runs, store } = setUp()
      const refuse = async (): Promise<Answer> =>
        send({}, (attempt) => {
          attempt.tx.set('effect', true)
          return responding(status)()
        })
      await refuse()
      expect(header(await refuse(), 'idempotent-replayed')).toBe('true')
      expect(runs()).toBe(1)
      expect((store as ReturnType<typeof memory>).data.size).toBe(0)
    },
  )

  it.each([401, 403, 407, 408, 421, 423, 425, 428, 429, 500, 502, 503])('%d is never recorded', async (status) => {
    const { send, runs } = setUp()
    await send({}, responding(status))
    expect(await send()).toMatchObject({ kind: 'own', response: { status: 201 } })
    expect(runs()).toBe(2)
  })

  it('a status can mean something else on a route', async () => {
    const { send, runs } = setUp({ statuses: { 404: 'release' } })
    await send({}, responding(404))
    await send()
    expect(runs()).toBe(2)
  })
})

describe('answers that are not kept', () => {
  const large = (): Captured => ({ kind: 'response', ...reply(201, 'x'.repeat(100), { location: '/orders/1' }) })

  it.each<[string, Partial<RouteOptions>]>([
    ['too large', { responseLimit: 50 }],
    ['secret', { sensitive: true }],
  ])('%s: sent once, whole; then 409 with the Location, and never a second run', async (_, options) => {
    const { send, runs } = setUp(options)
    const first = await send({}, large)
    const again = await send({}, large)
    expect(first).toMatchObject({ kind: 'own', response: { status: 201 } })
    expect(problemOf(again)).toMatchObject({
      code: 'idempotency-response-not-kept',
      outcome: 'applied',
      original_status: 201,
    })
    expect(header(again, 'location')).toBe('/orders/1')
    expect(runs()).toBe(1)
  })

  it('in a coding that can not be undone: not kept, since a later client may not understand it', async () => {
    const { send } = setUp()
    const coded = (): Captured => ({ kind: 'response', ...reply(201, 'bytes', { 'content-encoding': 'dcb' }) })
    expect(await send({}, coded)).toMatchObject({ kind: 'own' })
    expect(problemOf(await send({}, coded))).toMatchObject({ code: 'idempotency-response-not-kept' })
  })

  it('by reference: 303 to where the resource is', async () => {
    const { send } = setUp({ replay: 'reference' })
    await send()
    const again = await send()
    expect(again).toMatchObject({ kind: 'response', response: { status: 303, body: null } })
    expect([header(again, 'location'), header(again, 'idempotent-replayed')]).toEqual(['/orders/1', 'true'])
  })

  it('loaded again: the status of the outcome with what the resource is now', async () => {
    const { send, runs } = setUp({ replay: { reload: () => new TextEncoder().encode('{"now":2}') } })
    await send()
    const again = await send()
    expect(
      again.kind === 'response' && [again.response.status, decoder.decode(again.response.body ?? undefined)],
    ).toEqual([201, '{"now":2}'])
    expect(runs()).toBe(1)
  })

  it('an answer that can not be held back is rolled back and says why', async () => {
    const { send, runs } = setUp()
    const answer = await send({}, () => ({ kind: 'unholdable', why: 'streams' }))
    expect(problemOf(answer)).toMatchObject({ status: 500, code: 'idempotency-response-too-large', reason: 'streams' })
    await send()
    expect(runs()).toBe(2)
  })
})

describe('handlers that throw', () => {
  it('NotApplied is 503 with the same key, and its own pause', async () => {
    const { send } = setUp({ guarantee: 'guarded' })
    const answer = await send({}, () => {
      throw new NotApplied('the bank is closed', { retryAfterMs: 7000 })
    })
    expect(problemOf(answer)).toMatchObject({ code: 'idempotency-not-applied', retryable: true, retry_after: 7 })
    expect(await send()).toMatchObject({ kind: 'own' })
  })

  it('under transactional: handed to the framework, and nothing happened', async () => {
    const { send } = setUp()
    const error = new Error('bug')
    expect(
      await send({}, () => {
        throw error
      }),
    ).toMatchObject({ kind: 'threw', error })
    expect(await send()).toMatchObject({ kind: 'own' })
  })

  it('under guarded: the outcome is unknown to this caller and to all later ones, and the fault is reported', async () => {
    const faults: unknown[] = []
    const { send, runs } = setUp({ guarantee: 'guarded' }, { onFault: (error) => faults.push(error) })
    const error = new Error('after the charge')
    const first = await send({}, () => {
      throw error
    })
    expect(problemOf(first)).toMatchObject({ status: 409, code: 'idempotency-outcome-unknown', retryable: false })
    expect(problemOf(await send())).toMatchObject({ code: 'idempotency-outcome-unknown' })
    expect([runs(), faults]).toEqual([1, [error]])
  })
})

describe('a store that is away', () => {
  const away = (): Store<MemoryTx> =>
    Object.assign(Object.create(memory()), {
      begin: () => Promise.reject(new Error('down')),
      find: () => Promise.reject(new Error('down')),
    })

  it('is 503, and the handler has not run', async () => {
    const { send, runs } = setUp({}, { store: away() })
    const answer = await send()
    expect(problemOf(answer)).toMatchObject({ status: 503, code: 'idempotency-unavailable', outcome: 'none' })
    expect(header(answer, 'retry-after')).toBe('1')
    expect(runs()).toBe(0)
  })

  it('lets through only where the route says so by that name, and tells', async () => {
    const faults: unknown[] = []
    const service = { store: away(), onFault: (_: unknown, fault: unknown) => faults.push(fault) }
    const { send } = setUp({ key: 'optional', dangerouslyRunUnguarded: true }, service)
    expect(await send()).toEqual({ kind: 'pass' })
    expect(faults).toEqual([{ policy: 'order.create', effect: 'unguarded' }])
    expect(() => setUp({ dangerouslyRunUnguarded: true })).toThrow(expect.objectContaining({ code: 'option-invalid' }))
  })
})

describe('options', () => {
  it.each<[string, object, string]>([
    ['an unknown name, with the nearest that exists', { retenton: '1h' }, 'Did you mean "retention"?'],
    ['a duration that is none', { retention: 'a day' }, '"retention"'],
    ['an unknown guarantee', { guarantee: 'exactly-once' }, '"guarantee"'],
    ['headers that belong to one response', { replayHeaders: ['Set-Cookie'] }, '"replayHeaders"'],
    ['a status that is none', { statuses: { 99: 'keep' } }, 'statuses[99]'],
    ['a buffer below the limit', { responseLimit: 100, responseBuffer: 10 }, '"responseBuffer"'],
  ])('%s is refused when the route is set up', (_, options, message) => {
    expect(() => setUp(options as Partial<RouteOptions>)).toThrow(message)
  })

  it('a service without callers to tell apart has to say so, and then its keys must be long', async () => {
    expect(() => createReprise({ store: memory() } as never)).toThrow('"principal"')
    const reprise = createReprise({ store: memory(), dangerouslyShareKeysAmongCallers: true })
    const route = reprise.route({ name: 'n', guarantee: 'transactional' })
    const answer = await route.handle(request({ key: 'guessable' }), responding(200))
    expect(problemOf(answer)).toMatchObject({ code: 'idempotency-key-invalid', reason: 'too-short' })
  })
})
