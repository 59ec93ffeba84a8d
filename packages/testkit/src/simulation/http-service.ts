/** The whole HTTP layer in one life of one process: everything between an adapter and the store, without the sockets. */

import type { Answer, Captured, HeaderLine, HttpRequest, HttpResponse } from 'reprise'
import { digest, latin1 } from './digest.ts'
import { policyOptions } from './engine-service.ts'
import { type Ended, handle, madeFor } from './handler.ts'
import type { Process } from './process.ts'
import type { Arrival, Reply, Request, Service } from './request.ts'
import type { Scene } from './scene.ts'
import { sight } from './sights.ts'
import type { StoreClient } from './store-client.ts'

export function httpService(scene: Scene, process: Process, store: StoreClient): Service {
  const { world } = scene
  const { reprise: door, engine } = process.library
  const slowDirectory = world.random.chance(0.3)
  const reprise = door.createReprise({
    store,
    clock: process.clock(),
    randomness: scene.randomness(process),
    principal: (request) => {
      const { principal } = request.native as Request
      const known = scene.revoked.has(principal) ? undefined : principal
      return slowDirectory ? Promise.resolve(known) : known
    },
    requestId: (request) => `request-${(request.native as Request).number}`,
  })
  const route = reprise.route(policyOptions(scene))
  return {
    serve(arrival: Arrival, answer: (reply: Reply) => void): void {
      const { request } = arrival
      const { principal, key } = request
      scene.store.name(engine.operationId({ namespace: '', scope: '', principal, key }, undefined), request.operation)
      const sinceMs = world.nowMs
      const handled = route.handle(httpRequest(process, arrival), (attempt) => {
        const ended = handle({ scene, process, arrival, attempt })
        return ended instanceof Promise
          ? ended.then((late) => captured(late, arrival.number))
          : captured(ended, arrival.number)
      })
      handled.then(
        (made) => {
          const reply = replyOf(made)
          sight(world, sinceMs, { kind: kindOf(made, reply) })
          answer(reply)
        },
        (error: unknown) => world.broke(error),
      )
    },
  }
}

const bodies = [
  // One meaning in several spellings, and another meaning.
  ['{"amount":100,"to":"b"}', '{ "to": "b", "amount": 100 }', '{"amount":1e2,"to":"\\u0062"}'],
  ['{"amount":200,"to":"b"}'],
].map((spellings) => spellings.map((text) => Buffer.from(text, 'latin1')))

function httpRequest(process: Process, arrival: Arrival): HttpRequest {
  const { number, request } = arrival
  const spellings = bodies[request.payload] ?? []
  const bytes = spellings[number % spellings.length] ?? Buffer.alloc(0)
  // The draft quotes keys; most clients don't.
  const key = number % 2 === 0 ? request.key : `"${request.key}"`
  return {
    method: 'POST',
    target: '/charges',
    headers: {
      get: (name) => (name === 'content-type' ? 'application/json' : name === 'idempotency-key' ? key : null),
      lines: (name) => (name.toLowerCase() === 'idempotency-key' ? [key] : []),
    },
    native: request,
    body: () => {
      process.reading = arrival
      return { kind: 'bytes', bytes }
    },
  }
}

/** A handler's response has lines that belong to this one answer, besides those that belong to the outcome. */
function captured(ended: Ended, arrival: number): Captured {
  const headers: HeaderLine[] = [
    ['Date', `today, ${arrival}`],
    ['Set-Cookie', `session=${arrival}`],
    ...ended.headers,
    ['X-Trace', `${arrival}`],
  ]
  return { kind: 'response', status: ended.status, headers, body: ended.body }
}

const ofThisAnswer = new Set(['Date', 'Set-Cookie', 'X-Trace'])

function replyOf(answer: Answer): Reply {
  switch (answer.kind) {
    case 'pass':
      throw new Error('A request with a key was passed by.')
    case 'threw':
      return { kind: 'fail', why: 'released', effect: 'none', retryAfterMs: 0 }
    case 'own': {
      const { status, body } = answer.response
      if (!answer.added.some(([name]) => name === 'Idempotency-Expires')) {
        return { kind: 'fail', why: 'released', effect: 'none', retryAfterMs: 0 }
      }
      return outcome({ status, headers: answer.response.headers.filter(([name]) => !ofThisAnswer.has(name)), body })
    }
    case 'response':
      return answer.response.headers.some(([name]) => name === 'Idempotent-Replayed')
        ? outcome(answer.response)
        : problemReply(answer.response)
  }
}

function outcome({ status, headers, body }: HttpResponse): Reply {
  return {
    kind: 'ok',
    outcome: digest(status, headers, body),
    success: status < 400,
    madeFor: madeFor(headers, body),
  }
}

interface Told {
  readonly type: string
  readonly outcome?: string
  readonly retry_after?: number
}

function problemReply(response: HttpResponse): Reply {
  const told = JSON.parse(latin1(response.body ?? new Uint8Array())) as Told
  const slug = told.type.slice(told.type.lastIndexOf('/') + 1)
  const retryAfterMs = (told.retry_after ?? 0) * 1000
  switch (slug) {
    case 'idempotency-in-progress':
      return { kind: 'fail', why: 'in-progress', effect: 'unknown', retryAfterMs }
    case 'idempotency-key-reused':
      return { kind: 'fail', why: 'mismatch', effect: 'unknown', retryAfterMs }
    case 'idempotency-outcome-unknown':
      return { kind: 'fail', why: 'unknown', effect: 'unknown', retryAfterMs }
    case 'idempotency-key-expired':
      return { kind: 'fail', why: 'expired', effect: 'unknown', retryAfterMs }
    case 'idempotency-unavailable':
      return { kind: 'fail', why: 'unavailable', effect: told.outcome === 'none' ? 'none' : 'unknown', retryAfterMs }
    case 'idempotency-not-applied':
      return { kind: 'fail', why: 'released', effect: 'none', retryAfterMs }
    case 'principal-missing':
      return { kind: 'fail', why: 'forbidden', effect: 'none', retryAfterMs }
    default:
      throw new Error(`Nobody expects the problem ${slug} here.`)
  }
}

function kindOf(
  answer: Answer,
  reply: Reply,
): 'executed' | 'replayed' | 'mismatch' | 'expired' | 'unavailable' | 'released' {
  if (reply.kind === 'ok') return answer.kind === 'own' ? 'executed' : 'replayed'
  const { why } = reply
  return why === 'mismatch' || why === 'expired' || why === 'unavailable' ? why : 'released'
}
