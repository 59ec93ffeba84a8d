import { expect, test } from 'vitest'
import { testLedger } from '../../testing/ledger.ts'
import { openApiDocument } from '../openapi/document.ts'
import { html } from './html.ts'
import { docsPage } from './page.ts'

const document = openApiDocument()
const page = docsPage(document)

test('shows every operation and every schema', () => {
  for (const [path, item] of Object.entries(document.paths)) {
    expect(page).toContain(`<code>${path}</code>`)
    for (const { operationId, summary } of Object.values(item)) {
      expect(page).toContain(`<article id="${operationId}">`)
      expect(page).toContain(summary)
    }
  }
  for (const name of Object.keys(document.components.schemas)) expect(page).toContain(`id="schema-${name}"`)
})

test('every link within the page has its target', () => {
  const targets = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id)
  expect(targets.length).toBeGreaterThan(20)
  expect(targets.filter((id) => !page.includes(`id="${id}"`))).toEqual([])
})

test('needs nothing but itself', () => {
  expect(page).not.toMatch(/<script|<link|<img|<iframe|@import|url\(|src=/i)
  expect(page).not.toMatch(/undefined|\[object/)
})

test('what is put in is text, never markup', () => {
  expect(html`<p>${'<script>"\'&'}</p>`.text).toBe('<p>&lt;script&gt;&quot;&#39;&amp;</p>')
})

test('is served, also from the root', async () => {
  const ledger = await testLedger()
  try {
    const served = await ledger.app.inject('/docs')
    expect(served.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(served.headers['content-security-policy']).toMatch(/^default-src 'none'/)
    expect(served.body).toBe(page)
    const root = await ledger.app.inject('/')
    expect([root.statusCode, root.headers.location]).toEqual([302, '/docs'])
  } finally {
    await ledger.close()
  }
})
