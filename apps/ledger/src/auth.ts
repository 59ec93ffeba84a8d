/** Who asks: a bearer key names a principal (RFC 6750 §2.1). */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ApiKey } from './config.ts'
import { problem, sendProblem } from './problems.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set on every request that has passed `requirePrincipal`. */
    principal: string
  }
}

/** The principal of an Authorization header, or `undefined` where it names nobody. */
export type Authenticate = (authorization: string | undefined) => string | undefined

export function authenticator(keys: readonly ApiKey[]): Authenticate {
  const known = keys.map(({ principal, key }) => ({ principal, digest: digest(key) }))
  return (authorization) => {
    const token = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
    if (token === undefined) return undefined
    // Digests have one length, and every one of them is compared in full: the time taken says nothing about any key.
    const given = digest(token)
    let found: string | undefined
    for (const { principal, digest } of known) {
      if (timingSafeEqual(digest, given)) found = principal
    }
    return found
  }
}

/** An `onRequest` hook: nobody unknown gets as far as having a body read. */
export function requirePrincipal(
  authenticate: Authenticate,
): (request: FastifyRequest, response: FastifyReply) => Promise<FastifyReply | undefined> {
  return async (request, response) => {
    const principal = authenticate(request.headers.authorization)
    if (principal === undefined) {
      // RFC 9110 §15.5.2: a 401 must say how to authenticate.
      response.header('www-authenticate', 'Bearer')
      return sendProblem(response, problem('unauthenticated', 'Send a known key as "Authorization: Bearer <key>".'))
    }
    request.principal = principal
    return undefined
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
