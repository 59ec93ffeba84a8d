/** The document for machines (`/openapi.json`) and for people (`/docs`). Both are made once, at start. */
import type { FastifyInstance } from 'fastify'
import { docsPage } from '../docs/page.ts'
import { openApiDocument } from './document.ts'

export function documentRoutes(app: FastifyInstance): void {
  const document = openApiDocument()
  const json = JSON.stringify(document)
  const page = docsPage(document)

  app.get('/', async (_, response) => response.redirect('/docs'))
  app.get('/openapi.json', async (_, response) => response.type('application/json').send(json))
  app.get('/docs', async (_, response) =>
    response
      .type('text/html; charset=utf-8')
      // The page brings all that it needs, so nothing else may be loaded or run.
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'")
      .send(page),
  )
}
