/** Protects one request of node:http: asks the pipeline, lets the handler run when it says so, sends what it answers. */

import type { ServerResponse } from 'node:http'
import type { Attempt } from '../../engine/attempt.ts'
import type { Answer, HttpResponse } from '../../http/answer.ts'
import type { Route } from '../../http/route.ts'
import { attemptOf, runsIn } from '../shared/attempt-of.ts'
import { answerOutcome, methodNotAllowed } from '../shared/outcome.ts'
import { Capture } from './capture.ts'
import type { MountedRequest } from './mounted-request.ts'
import { deferFinished } from './on-finished.ts'
import { NodeArrival } from './request.ts'
import { send } from './send.ts'

/** Runs the handler, which writes its response; called at most once. */
export type Run = (capture: Capture | undefined) => void
/** Gives an error to whoever answers errors. */
export type Fail = (error: unknown) => void

/** The middleware style: what the handler writes is captured. */
export function serve<Tx>(
  route: Route<Tx>,
  request: MountedRequest,
  response: ServerResponse,
  run: Run,
  fail: Fail,
): void {
  // A second middleware on the same request would claim the key that the first one holds.
  if (attemptOf(request) !== undefined) {
    run(undefined)
    return
  }
  let capture: Capture | undefined
  let handOver: (() => void) | undefined
  const release = (): void => {
    runsIn(request, undefined)
    capture?.release()
    handOver?.()
  }
  route
    .handle(new NodeArrival(request), (attempt) => {
      runsIn(request, attempt)
      capture = new Capture(response, route.responseBuffer)
      handOver = deferFinished(response)
      run(capture)
      return capture.result()
    })
    .then((answer) => {
      if (answer.kind === 'pass') {
        run(undefined)
        return
      }
      release()
      answerWith(answer, response, capture, fail)
      capture?.sent()
    })
    .catch((error: unknown) => {
      release()
      if (!response.headersSent) capture?.reset()
      fail(error)
    })
}

function answerWith(
  answer: Exclude<Answer, { kind: 'pass' }>,
  response: ServerResponse,
  capture: Capture | undefined,
  fail: Fail,
): void {
  switch (answer.kind) {
    case 'own':
      send(response, answer.response, answer.added, capture === undefined ? 'over' : 'alone', capture?.own)
      return
    case 'response':
      capture?.reset()
      send(response, answer.response, [], 'over', capture?.own)
      return
    case 'threw':
      if (capture?.destroyed) {
        response.destroy(answer.error instanceof Error ? answer.error : undefined)
        return
      }
      capture?.reset()
      for (const [name, value] of answer.added) response.setHeader(name, value)
      fail(answer.error)
  }
}

/** The outcome style: what the handler returns is the response. `pass` is for the requests that are not for it. */
export function serveOutcome<Tx>(
  route: Route<Tx>,
  request: MountedRequest,
  response: ServerResponse,
  unprotected: boolean,
  outcome: (attempt: Attempt<Tx> | undefined) => HttpResponse | Promise<HttpResponse>,
  pass: (() => void) | undefined,
  fail: Fail,
): void {
  answerOutcome(route, new NodeArrival(request), unprotected, outcome)
    .then((answer) => {
      if (answer.kind !== 'pass') answerWith(answer, response, undefined, fail)
      else if (pass === undefined) send(response, methodNotAllowed, [], 'over')
      else pass()
    })
    .catch(fail)
}
