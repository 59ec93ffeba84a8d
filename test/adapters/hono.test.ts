// What is Hono's own, on the platform itself: its request, its exceptions, its variables.
import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { validator } from 'hono/validator'
import { NotApplied } from 'reprise'
import { type AttemptEnv, attemptOf, idempotent } from 'reprise/hono'
import type { MemoryTx } from 'reprise/memory'
import { expect, test } from 'vitest'
import { aReprise, policy, under } from './given.ts'

const body = '{"sku":"A-1"}'
const sent = { method: 'POST', headers: under('key'), body }

async function twice(app: Hono<AttemptEnv<MemoryTx>> | Hono, init: RequestInit = sent): Promise<Response> {
  const first = await app.request('/orders', init)
  const again = await app.request('/orders', init)
  expect(again.headers.get('idempotent-replayed'), await again.clone().text()).toBe('true')
  expect([again.status, await again.text()]).toEqual([first.status, await first.clone().text()])
  return first
}

test('the body is there in every way that Hono and the platform have', async () => {
  const app = new Hono()
  app.post('/orders', idempotent(aReprise(), policy), async (c) => {
    const raw = await c.req.raw.clone().text()
    return c.json({ raw, json: await c.req.json(), text: await c.req.text(), method: c.req.method, path: c.req.path })
  })
  expect(await (await twice(app)).json()).toEqual({
    raw: body,
    json: JSON.parse(body),
    text: body,
    method: 'POST',
    path: '/orders',
  })
})

test('a validator may come first', async () => {
  const app = new Hono()
  const validate = validator('json', (value: { sku: string }) => value)
  app.post('/orders', validate, idempotent(aReprise(), policy), async (c) => c.json(c.req.valid('json').sku))
  expect(await (await twice(app)).json()).toBe('A-1')
  const other = await app.request('/orders', { ...sent, body: '{"sku":"B-2"}' })
  expect(other.status).toBe(422)
})

test('an exception that answers is the handler’s answer', async () => {
  const app = new Hono()
  let calls = 0
  app.post('/orders', idempotent(aReprise(), policy), () => {
    calls++
    throw new HTTPException(402, { message: 'insufficient funds' })
  })
  const first = await twice(app)
  expect([first.status, await first.text(), calls]).toEqual([402, 'insufficient funds', 1])
})

test('NotApplied is a problem, whatever onError makes of it', async () => {
  const app = new Hono()
  app.onError((_error, c) => c.text('teapot', 418))
  app.post('/orders', idempotent(aReprise(), { ...policy, guarantee: 'guarded' }), () => {
    throw new NotApplied('the bank is closed')
  })
  for (const _ of [1, 2]) {
    const answer = await app.request('/orders', sent)
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([503, 'idempotency-not-applied'])
  }
})

test('the attempt is a variable of the context', async () => {
  const app = new Hono<AttemptEnv<MemoryTx>>()
  app.post('/orders', idempotent(aReprise(), policy), (c) => {
    const attempt = c.get('attempt')
    attempt.tx.set('order', 'placed')
    return c.json({ same: attempt === attemptOf<MemoryTx>(c), key: attempt.key })
  })
  expect(await (await twice(app)).json()).toEqual({ same: true, key: 'key' })
})

test('a key that the platform has joined from two lines is refused', async () => {
  const app = new Hono()
  app.post('/orders', idempotent(aReprise(), policy), (c) => c.text('done'))
  const headers = new Headers(under('one'))
  headers.append('idempotency-key', 'two')
  expect((await app.request('/orders', { method: 'POST', headers, body })).status).toBe(400)
})
