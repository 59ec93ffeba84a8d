// Whatever is wrong with a request is told as a problem, and leaves nothing behind.
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { onEachDatabase } from '../testing/databases.ts'
import { balancesOf, fundedLedger, type TestLedger } from '../testing/ledger.ts'

await onEachDatabase((make) => {
  let ledger: TestLedger
  let records: number

  beforeEach(async () => {
    ledger = await fundedLedger({ make })
    records = await ledger.count('reprise_records')
  })
  afterEach(() => ledger.close())

  const transfer = { from: 'alice', to: 'bob', amount: 1, currency: 'EUR' }
  const json = JSON.stringify(transfer)

  async function expectNothingBehind(): Promise<void> {
    expect(await ledger.count('reprise_records')).toBe(records)
    expect(await balancesOf(ledger)).toEqual({ world: -100_00, alice: 100_00, bob: 0 })
    expect(await ledger.count('transfers')).toBe(1)
  }

  describe('a body that can’t be read', () => {
    test.for([
      ['an empty body', '', undefined, 400],
      ['half of one', json.slice(0, -5), undefined, 400],
      ['two of them', json + json, undefined, 400],
      ['a member twice', json.replace('{', '{"amount":2,'), undefined, 400],
      ['no JSON', 'from=alice&to=bob', undefined, 400],
      ['a form', 'from=alice&to=bob', 'application/x-www-form-urlencoded', 415],
      ['a text', json, 'text/plain', 415],
      ['XML', '<transfer/>', 'application/xml', 415],
      ['a prototype', json.replace('{', '{"__proto__":{"x":1},'), undefined, 400],
      ['too much', JSON.stringify({ ...transfer, reference: 'x'.repeat(20_000) }), undefined, 413],
    ] as const)('%s', async ([, body, type, status]) => {
      const { status: answered, json: problem } = await ledger.post('/v1/transfers', body, {
        headers: type === undefined ? {} : { 'content-type': type },
      })
      expect(answered).toBe(status)
      expect(problem.key_action, problem.code).toBe('fix')
      await expectNothingBehind()
    })

    test.for(['gzip', 'br', 'snappy', 'identity, gzip'])('in a content coding, %s: 415', async (coding) => {
      const answer = await ledger.post('/v1/transfers', transfer, { headers: { 'content-encoding': coding } })
      expect([answer.status, answer.headers['accept-encoding']]).toEqual([415, 'identity'])
      await expectNothingBehind()
    })

    test('no body at all is one without members: refused like any other, and recorded', async () => {
      const answer = await ledger.ask('POST', '/v1/transfers', { key: 'k' })
      expect([answer.status, answer.json.code]).toEqual([400, 'validation-failed'])
      expect((await ledger.ask('POST', '/v1/transfers', { key: 'k' })).text).toBe(answer.text)
    })

    test('that the network may have repeated: 425', async () => {
      const answer = await ledger.post('/v1/transfers', transfer, { headers: { 'early-data': '1' } })
      expect([answer.status, answer.json.code]).toEqual([425, 'too-early'])
      await expectNothingBehind()
    })
  })

  describe('a key that is none', () => {
    test.for([
      ['missing', undefined, 'idempotency-key-missing'],
      ['empty', '', 'idempotency-key-invalid'],
      ['empty in quotes', '""', 'idempotency-key-invalid'],
      ['blank', '" "', 'idempotency-key-invalid'],
      ['half quoted', '"abc', 'idempotency-key-invalid'],
      ['a list', 'a, b', 'idempotency-key-invalid'],
      ['with a space', 'a b', 'idempotency-key-invalid'],
      ['too long', 'k'.repeat(256), 'idempotency-key-invalid'],
      ['not ASCII', 'clé', 'idempotency-key-invalid'],
    ] as const)('%s: 400', async ([, key, code]) => {
      const answer = await ledger.ask('POST', '/v1/transfers', { key, body: transfer })
      expect([answer.status, answer.json.code]).toEqual([400, code])
      expect(answer.text).not.toContain('kkkk')
      await expectNothingBehind()
    })

    test('of 255 characters is one', async () => {
      expect((await ledger.post('/v1/transfers', transfer, { key: 'k'.repeat(255) })).status).toBe(201)
    })
  })

  describe('a path or method that is not there', () => {
    test.for([
      ['GET', '/nowhere'],
      ['POST', '/v1'],
      ['GET', '/v1/accounts/alice/transfers'],
      ['GET', '/v2/accounts'],
      ['GET', '//v1/accounts'],
    ] as const)('%s %s: 404', async ([method, path]) => {
      const { status, json } = await ledger.ask(method, path, { key: 'k', ...(method === 'POST' ? { body: {} } : {}) })
      expect([status, json.code]).toEqual([404, 'route-not-found'])
    })

    test.for([
      ['PUT', '/v1/accounts/alice', 'GET, HEAD'],
      ['DELETE', '/v1/accounts/alice', 'GET, HEAD'],
      ['PATCH', '/v1/transfers', 'POST, GET, HEAD'],
      ['POST', '/v1/accounts/alice', 'GET, HEAD'],
      ['POST', '/healthz', 'GET, HEAD'],
      ['DELETE', '/openapi.json', 'GET, HEAD'],
    ] as const)('%s %s: 405', async ([method, path, allow]) => {
      const answer = await ledger.ask(method, path, { key: 'k', body: '{half' })
      expect([answer.status, answer.json.code]).toEqual([405, 'method-not-allowed'])
      expect(answer.headers.allow).toBe(allow)
      await expectNothingBehind()
    })

    test.for(['/%', '/v1/accounts/%zz', '/v1/accounts/%ff'])('a path that is no path: %s', async (path) => {
      const answer = await ledger.ask('GET', path)
      expect([answer.status, answer.json.code]).toEqual([400, 'bad-request'])
    })
  })

  test('a bug is 500 without details, and nothing of it stays', async () => {
    const broken = { from: 'alice', to: 'bob', amount: 1, currency: 'EUR' }
    const failing = await fundedLedger({
      make,
      ids: (() => {
        let made = 0
        // The ids of requests and transfers come from one port; from the thirtieth on every transfer gets the same one.
        return () => (++made < 30 ? `id-${made}` : 'the-same')
      })(),
    })
    try {
      let answer = await failing.post('/v1/transfers', broken)
      for (let at = 0; at < 30 && answer.status !== 500; at++)
        answer = await failing.post('/v1/transfers', broken, { key: `bug-${at}` })
      expect([answer.status, answer.json.code]).toEqual([500, 'internal-error'])
      expect(answer.text).not.toMatch(/UNIQUE|constraint|sqlite|the-same/i)
      expect(answer.json).toMatchObject({ retryable: true, key_action: 'reuse', outcome: 'none' })
      const { alice = 0, bob = 0 } = await balancesOf(failing)
      expect(alice + bob).toBe(100_00)
      expect(bob).toBe((await failing.count('transfers')) - 1)
    } finally {
      await failing.close()
    }
  })

  describe('over a socket', () => {
    /** Sends bytes as they are and returns all that comes back. */
    async function raw(bytes: string): Promise<string> {
      const { port } = ledger.app.server.address() as { port: number }
      return new Promise((resolve, reject) => {
        let received = ''
        const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'))
        socket.setEncoding('utf8')
        socket.on('data', (chunk: string) => {
          received += chunk
        })
        socket.on('close', () => resolve(received))
        socket.on('error', reject)
      })
    }

    function parsed(answer: string): { status: number; json: { code: string; status: number } } {
      const [head = '', body = ''] = answer.split('\r\n\r\n')
      expect(head.toLowerCase()).toContain('content-type: application/problem+json')
      return { status: Number(head.split(' ')[1]), json: JSON.parse(body) as { code: string; status: number } }
    }

    const head = 'Host: x\r\nAuthorization: Bearer demo-key\r\nContent-Type: application/json\r\nConnection: close\r\n'

    beforeEach(() => ledger.app.listen({ host: '127.0.0.1', port: 0 }))

    test('what is not HTTP: 400', async () => {
      expect(parsed(await raw('HELO ledger\r\n\r\n'))).toMatchObject({ status: 400, json: { code: 'bad-request' } })
    })

    test('headers without end: 431', async () => {
      const answer = await raw(`GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)
      expect(parsed(answer)).toMatchObject({ status: 431, json: { code: 'headers-too-large' } })
    })

    test('two keys: 400', async () => {
      const answer = await raw(
        `POST /v1/transfers HTTP/1.1\r\n${head}Idempotency-Key: a\r\nIdempotency-Key: a\r\n` +
          `Content-Length: ${json.length}\r\n\r\n${json}`,
      )
      expect(parsed(answer)).toMatchObject({ status: 400, json: { code: 'idempotency-key-invalid' } })
      await expectNothingBehind()
    })

    test('a body that breaks off: nothing happens', async () => {
      const { port } = ledger.app.server.address() as { port: number }
      await new Promise<void>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => {
          socket.write(`POST /v1/transfers HTTP/1.1\r\n${head}Idempotency-Key: a\r\nContent-Length: 500\r\n\r\n${json}`)
          setImmediate(() => socket.destroy())
        })
        socket.on('close', () => resolve())
      })
      await expectNothingBehind()
    })

    test('a body in pieces is a body', async () => {
      const half = json.length / 2
      const pieces = [json.slice(0, half), json.slice(half)].map(
        (piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`,
      )
      const answer = await raw(
        `POST /v1/transfers HTTP/1.1\r\n${head}Idempotency-Key: a\r\nTransfer-Encoding: chunked\r\n\r\n${pieces.join('')}0\r\n\r\n`,
      )
      expect(answer).toMatch(/^HTTP\/1\.1 201 /)
    })
  })
})
