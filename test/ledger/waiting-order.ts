/** The one request of the tests of waiting, as every process of them makes it. */
export function anOrder(): Request {
  const headers = { 'idempotency-key': 'one-order-of-two-processes', 'content-type': 'application/json' }
  return new Request('http://here/orders', { method: 'POST', headers, body: '{"sku":"sku-1"}' })
}
