/** The answer to an error that nobody else answers. */

import type { ServerResponse } from 'node:http'
import { send } from './send.ts'

const encoder = new TextEncoder()

/**
 * Prints the error and answers with a 500 that says nothing about it. Node itself would end the process, which is no way
 * to treat the other requests of a server.
 */
export function answerError(response: ServerResponse, error: unknown): void {
  console.error(error)
  if (response.headersSent) {
    response.destroy()
    return
  }
  const headers = [['content-type', 'text/plain; charset=utf-8']] as const
  send(response, { status: 500, headers, body: encoder.encode('Internal Server Error') }, [], 'over')
}
