/** Whether the process is up (`/healthz`), and whether it should be sent requests (`/readyz`). */
import type { FastifyInstance } from 'fastify'
import { problem, sendProblem } from './problems.ts'
import type { Service } from './service.ts'

export function healthRoutes(app: FastifyInstance, { database, reprise }: Service, isDraining: () => boolean): void {
  app.get('/healthz', async () => ({ status: 'up' }))

  app.get('/readyz', async (request, response) => {
    if (isDraining()) return sendProblem(response, problem('not-ready', 'The service is stopping.'))
    try {
      await Promise.all([database.ping(), reprise.list({ limit: 1 })])
    } catch (error) {
      request.log.error({ err: error }, 'the database does not answer')
      return sendProblem(response, problem('not-ready', 'The database does not answer.'))
    }
    return { status: 'ready' }
  })
}
