// What is the Fetch API's own: requests that are read once, what platforms pass along, nested handlers.
import { createReprise, reply } from 'reprise'
import { attemptOf, idempotent } from 'reprise/fetch'
import { memory } from 'reprise/memory'
import { expect, test } from 'vitest'
import { aReprise, policy, under } from './given.ts'

const order = (key: string, init: RequestInit = {}): Request =>
  new Request('https://shop.example/orders?dry=1', {
    method: 'POST',
    headers: under(key),
    body: '{"sku":"A-1"}',
    ...init,
  })

test('the handler gets a request like the one that came', async () => {
  const handler = idempotent(aReprise(), policy).around(async (request) =>
    Response.json({
      url: request.url,
      method: request.method,
      type: request.headers.get('content-type'),
      body: await request.text(),
    }),
  )
  expect(await (await handler(order('key'))).json()).toEqual({
    url: 'https://shop.example/orders?dry=1',
    method: 'POST',
    type: 'application/json',
    body: '{"sku":"A-1"}',
  })
})

test('what a platform passes along reaches the handler, in both styles', async () => {
  const reprise = aReprise()
  const around = idempotent(reprise, policy).around(async (_request, env: { stage: string }) => new Response(env.stage))
  expect(await (await around(order('one'), { stage: 'live' })).text()).toBe('live')
  const outcome = idempotent(reprise, policy, (attempt, _request, env: { stage: string }) =>
    reply(200, attempt.key + env.stage),
  )
  expect(await (await outcome(order('two'), { stage: 'live' })).text()).toBe('twolive')
})

test('a protected handler inside another belongs to its attempt', async () => {
  const [outer, inner] = [memory(), memory()]
  const protect = (store: typeof outer) => createReprise({ store, principal: () => 'alice' })
  const nested = idempotent(protect(inner), policy, (attempt, request) => {
    expect(attempt).toBe(attemptOf(request))
    return reply(201, 'done')
  })
  const handler = idempotent(protect(outer), policy).around(nested)
  for (const _ of [1, 2]) expect(await (await handler(order('key'))).text()).toBe('done')
  expect([outer.usage().records, inner.usage().records]).toEqual([1, 0])
})

test('a body that has been read already is an error, and nothing runs', async () => {
  let calls = 0
  const handler = idempotent(aReprise(), policy).around(() => {
    calls++
    return new Response()
  })
  const request = order('key')
  await request.text()
  await expect(handler(request)).rejects.toMatchObject({ code: 'body-consumed' })
  expect(calls).toBe(0)
})

test('a safe method does not come to an outcome handler that needs a key', async () => {
  const handler = idempotent(aReprise(), policy, () => reply(200))
  const answer = await handler(new Request('https://shop.example/orders'))
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST, PUT, PATCH, DELETE'])
})

test('an outcome that can not be sent undoes its effect', async () => {
  const store = memory()
  const reprise = createReprise({ store, principal: () => 'alice' })
  for (const [key, made] of [
    ['header', reply(201, {}, { location: '/orders/注文' })],
    ['line', reply(201, {}, { location: '/orders\r\nset-cookie: a=b' })],
    ['status', reply(99)],
  ] as const) {
    const handler = idempotent(reprise, policy, (attempt) => {
      attempt.tx.set('order', 'placed')
      return made
    })
    await expect(handler(order(key))).rejects.toThrow(/response/)
  }
  expect(store.data.size).toBe(0)
})
