/**
 * One line per request, with what an operator needs to count and find requests. Never a key, a token, a body, or the
 * path as it was sent: the route says what was asked without saying about whom.
 */
import type { FastifyInstance } from 'fastify'

export function logRequests(app: FastifyInstance): void {
  app.addHook('onResponse', async (request, response) => {
    const { statusCode: status } = response
    request.log.info(
      {
        method: request.method,
        route: request.routeOptions.url,
        status,
        ms: Math.round(response.elapsedTime * 10) / 10,
        ...(response.getHeader('idempotent-replayed') === undefined ? {} : { replayed: true }),
      },
      'answered',
    )
  })
}
