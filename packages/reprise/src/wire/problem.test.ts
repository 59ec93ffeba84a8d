import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { headerNames } from './headers.ts'
import { type Problem, type ProblemSlug, problem, problemHeaders, problemTypes } from './problem.ts'

const slugs = Object.keys(problemTypes) as ProblemSlug[]

describe('problemTypes', () => {
  it.each(slugs)('%s is an error with a title of its own', (slug) => {
    const { status, title } = problemTypes[slug]

    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(600)
    expect(slugs.filter((other) => problemTypes[other].title === title)).toEqual([slug])
  })

  it('never offers a new key, or none, with a retry', () => {
    const retried = slugs.filter((slug) => problemTypes[slug].retryable !== false)

    expect(retried.map((slug) => problemTypes[slug].keyAction)).toEqual(retried.map(() => 'reuse'))
  })
})

describe('problem', () => {
  it('has the members of RFC 9457 and ours', () => {
    const made = problem('idempotency-in-progress', {
      detail: 'The first attempt is still running.',
      retryAfterMs: 1200,
      started_at: '2026-07-01T00:00:00Z',
    })

    expect(made).toEqual({
      type: 'https://reprise.dev/problems/idempotency-in-progress',
      title: 'The operation is still running',
      status: 409,
      detail: 'The first attempt is still running.',
      code: 'idempotency-in-progress',
      retryable: true,
      retry_after: 2,
      key_action: 'reuse',
      outcome: 'unknown',
      started_at: '2026-07-01T00:00:00Z',
    })
  })

  it('is retryable while an outcome is being found out, and not otherwise', () => {
    const scheduled = problem('idempotency-outcome-unknown', { detail: 'd', retryAfterMs: 5000 })
    const stuck = problem('idempotency-outcome-unknown', { detail: 'd' })

    expect([scheduled.retryable, stuck.retryable]).toEqual([true, false])
    expect(stuck).not.toHaveProperty('retry_after')
  })

  it('lets what is known of one occurrence replace what its type says', () => {
    const made = problem('idempotency-key-expired', { detail: 'd', outcome: 'applied', keyAction: 'none' })

    expect(made).toMatchObject({ outcome: 'applied', key_action: 'none', retryable: false })
    expect(made).not.toHaveProperty('keyAction')
  })

  it('lives where the API says', () => {
    const made = problem('too-early', { detail: 'd', typeBase: 'https://api.example/errors#' })

    expect(made.type).toBe('https://api.example/errors#too-early')
    expect(made).not.toHaveProperty('typeBase')
  })

  it('does not let an extension pass for a member that has a meaning', () => {
    const made = problem('too-early', { detail: 'd', status: 200, code: 'fine', type: 'x', key_action: 'new' })

    expect(made).toMatchObject({ status: 425, code: 'too-early', key_action: 'reuse' })
  })
})

describe('problemHeaders', () => {
  it('are never cached, and say whether to retry', () => {
    const lines = problemHeaders(problem('idempotency-unavailable', { detail: 'd', retryAfterMs: 1500 }))

    expect(lines).toEqual([
      ['Content-Type', 'application/problem+json'],
      ['Cache-Control', 'no-store'],
      ['Idempotency-Should-Retry', 'true'],
      ['Retry-After', '2'],
    ])
  })

  it('use the names of the API', () => {
    const lines = problemHeaders(problem('too-early', { detail: 'd' }), headerNames({ shouldRetry: 'X-Retry' }))

    expect(lines).toContainEqual(['X-Retry', 'true'])
  })

  it('point to the requirements where a key was missing', () => {
    const missing = problem('idempotency-key-missing', { detail: 'd' })

    expect(problemHeaders(missing)).toContainEqual(['Link', `<${missing.type}>; rel="describedby"`])
  })

  it('name the codings where another was sent', () => {
    const lines = problemHeaders(problem('request-coding-unsupported', { detail: 'd' }))

    expect(lines).toContainEqual(['Accept-Encoding', 'gzip, deflate, br'])
  })
})

describe('pages', () => {
  const docs = new URL('../../../../docs/problems/', import.meta.url)

  it.each(slugs)('%s shows what is sent', (slug) => {
    const page = readFileSync(new URL(`${slug}.md`, docs), 'utf8')
    const [head = '', body = ''] = page.split('```http\n')[1]?.split('```')[0]?.split('\n\n') ?? []
    const shown = JSON.parse(body) as Problem
    const retryAfterMs = shown.retry_after === undefined ? undefined : shown.retry_after * 1000

    const made = problem(slug, { ...shown, retryable: undefined, outcome: undefined, retryAfterMs })

    expect(shown).toEqual(made)
    expect(page.startsWith(`# ${slug}\n`)).toBe(true)
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${made.status} `))
    for (const [name, value] of problemHeaders(made)) expect(head).toContain(`\n${name}: ${value}`)
  })

  it('are listed with status and advice', () => {
    const table = readFileSync(new URL('README.md', docs), 'utf8')

    for (const slug of slugs) {
      const { status, keyAction, outcome } = problemTypes[slug]
      expect(table).toMatch(
        new RegExp(`\\[${slug}\\]\\(${slug}.md\\) \\| ${status} \\| [^|]+ \\| ${keyAction} \\| ${outcome} `),
      )
    }
  })
})
