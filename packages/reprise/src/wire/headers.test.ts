import { describe, expect, it } from 'vitest'
import { corsAllowHeaders, corsExposeHeaders, defaultHeaderNames, HeaderNamesError, headerNames } from './headers.ts'

describe('headerNames', () => {
  it('replaces some names and keeps the others', () => {
    const names = headerNames({ key: 'X-Request-Token' })

    expect(names).toEqual({ ...defaultHeaderNames, key: 'X-Request-Token' })
  })

  it.each(['', 'With Space', 'Colon:', 'Nonascii-é', 'Line\r\nbreak'])('refuses %j, which is no token', (key) => {
    expect(() => headerNames({ key })).toThrow(HeaderNamesError)
  })

  it('refuses one name for two fields, whatever their case', () => {
    expect(() => headerNames({ attempt: 'idempotency-key' })).toThrow(/attempt.*already/)
  })
})

describe('CORS lists', () => {
  const names = headerNames({ key: 'X-Key', attempt: 'X-Attempt', replayed: 'X-Replayed' })

  it('allow what a client sends', () => {
    expect(corsAllowHeaders(names)).toEqual(['X-Key', 'X-Attempt', 'If-Match', 'If-None-Match'])
  })

  it('expose what a client must read, and the key as the proof of protection', () => {
    const exposed = corsExposeHeaders(names)

    expect(exposed).toEqual(expect.arrayContaining(['X-Key', 'X-Replayed', names.expires, names.shouldRetry]))
    expect(exposed).toEqual(expect.arrayContaining(['ETag', 'Location', 'Retry-After']))
    expect(exposed).not.toContain('X-Attempt')
  })
})
