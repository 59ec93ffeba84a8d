/** Everything that ends before or beside a route, as a problem: unknown paths, unreadable requests, bugs. */
import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { PROBLEM_MEDIA_TYPE, type Problem, problem, sendProblem } from './problems.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** To be called before any route is added. Returns what is to be called after the last. */
export function answerFailures(app: FastifyInstance): () => void {
  app.setErrorHandler((error: FastifyError, request, response) => answerError(error, request, response))
  app.setNotFoundHandler((_, response) => sendProblem(response, problem('route-not-found', 'See /openapi.json.')))

  const methodsOf = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }: RouteOptions) => {
    const methods = methodsOf.get(url) ?? new Set()
    for (const name of [method].flat()) methods.add(name)
    methodsOf.set(url, methods)
  })
  return () => {
    for (const [url, methods] of methodsOf) refuseOtherMethods(app, url, methods)
  }
}

/** An `onRequest` hook. RFC 9110 §15.5.16: an answer 415 may say in Accept-Encoding which codings are taken. */
export async function refuseCodedBodies(
  request: FastifyRequest,
  response: FastifyReply,
): Promise<FastifyReply | undefined> {
  const coding = request.headers['content-encoding'] ?? 'identity'
  if (coding.toLowerCase() === 'identity') return undefined
  response.header('accept-encoding', 'identity')
  return sendProblem(response, problem('unsupported-media-type', 'Send the body without a content coding.'))
}

/** RFC 9110 §15.5.6: a 405 must list in Allow what the resource does take. */
function refuseOtherMethods(app: FastifyInstance, url: string, methods: ReadonlySet<string>): void {
  const allow = [...methods].join(', ')
  const refuse = async (_: FastifyRequest, response: FastifyReply): Promise<FastifyReply> => {
    response.header('allow', allow)
    return sendProblem(response, problem('method-not-allowed', `This path takes ${allow}.`))
  }
  const others = METHODS.filter((method) => !methods.has(method))
  // On request, so that no body is read first: its faults would hide the one that matters.
  if (others.length > 0) app.route({ method: others, url, onRequest: refuse, handler: refuse })
}

/** The answer to what was thrown, by Fastify for a request that it can't read, or by a handler. */
export function answerError(error: FastifyError, request: FastifyRequest, response: FastifyReply): FastifyReply {
  const made = problemOf(error)
  // Only our own failures are logged with their text: that of a parser may quote the body.
  if (made.status >= 500) request.log.error({ err: error }, 'request failed')
  return sendProblem(response, made)
}

function problemOf(error: FastifyError): Problem {
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return problem('unsupported-media-type', 'Send the body as application/json.')
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return problem('body-too-large', 'Send a smaller body.')
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return problem('malformed-json', 'Send a body that is one JSON value.')
    case 'database-absent':
      return problem('not-ready', error.message)
    default: {
      const { statusCode = 500 } = error
      if (statusCode >= 400 && statusCode < 500) return problem('bad-request', 'The request could not be read.')
      return problem(
        'internal-error',
        'The request failed, and nothing of it happened. The operators have the details.',
      )
    }
  }
}

/** What Node could not read as HTTP never becomes a request: the answer is written to the connection itself. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy(error)
    return
  }
  const made = clientProblem(error.code)
  const body = JSON.stringify(made)
  socket.end(
    `HTTP/1.1 ${made.status} ${REASONS[made.status]}\r\nContent-Type: ${PROBLEM_MEDIA_TYPE}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n${body}`,
  )
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
}

function clientProblem(code: string | undefined): Problem {
  switch (code ?? '') {
    case 'HPE_HEADER_OVERFLOW':
      return problem('headers-too-large', 'Send fewer or shorter header fields.')
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return problem('request-timeout', 'Send the whole request without pausing.')
    default:
      return problem('bad-request', 'The request could not be read.')
  }
}
