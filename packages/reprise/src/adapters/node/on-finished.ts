/**
 * The package `on-finished`, on which `send` (that is, `sendFile` and `express.static`) and many middlewares stand, takes
 * a response for finished when its socket closes; `send` then stops reading its file, and a held-back response would
 * never end. It keeps its listeners in `__onFinished.queue` of the response, so a queue of ours keeps them from the socket
 * until the answer is sent.
 */

import type { ServerResponse } from 'node:http'

interface Listened extends ServerResponse {
  __onFinished?: { queue: ((error: unknown, response: ServerResponse) => void)[] | null } | null | undefined
}

/** Returns what hands the collected listeners over to the response. */
export function deferFinished(response: ServerResponse): () => void {
  const listened = response as Listened
  const before = listened.__onFinished
  const queue: ((error: unknown, response: ServerResponse) => void)[] = []
  const ours = { queue }
  listened.__onFinished = ours
  return () => {
    if (listened.__onFinished === ours) listened.__onFinished = before
    if (queue.length === 0) return
    const finished = (): void => {
      for (const listener of queue.splice(0)) listener(null, response)
    }
    response.once('finish', finished)
    response.once('close', finished)
  }
}
