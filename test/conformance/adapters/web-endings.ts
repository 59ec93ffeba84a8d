// How handlers of the Fetch API answer: as plain responses, whatever framework is around.
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import type { Ending } from '@reprise/testkit'

/** Bytes of their own: a Response takes no view of shared memory. */
const owned = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)

export function responseOf(ending: Ending): Response {
  const { status } = ending
  const typed = (type: string) => ({ status, headers: { 'content-type': type, ...ending.headers } })
  switch (ending.kind) {
    case 'json':
      return Response.json(ending.value, { status, headers: { ...ending.headers } })
    case 'text':
      return new Response(ending.text, typed('text/plain; charset=utf-8'))
    case 'empty':
      return new Response(null, { status, headers: { ...ending.headers } })
    case 'bytes':
      return new Response(owned(ending.bytes), typed(ending.type))
    case 'redirect':
      return new Response(null, { status, headers: { location: ending.location, ...ending.headers } })
    case 'cookies': {
      const response = Response.json(ending.value, { status })
      for (const cookie of ending.cookies) response.headers.append('set-cookie', cookie)
      return response
    }
    case 'chunks':
    case 'stream':
      return new Response(Readable.toWeb(Readable.from(ending.chunks)) as ReadableStream, typed(ending.type))
    case 'file':
      return new Response(Readable.toWeb(createReadStream(ending.path)) as ReadableStream, typed(ending.type))
    case 'events':
      return new Response(
        new ReadableStream({ start: (stream) => stream.enqueue(new TextEncoder().encode('data: 1\n\n')) }),
        typed('text/event-stream'),
      )
    case 'broken': {
      const body = new ReadableStream({
        pull: (stream) => stream.error(new Error('broken')),
        start: (stream) => stream.enqueue(owned(ending.chunk)),
      })
      return new Response(body, typed(ending.type))
    }
  }
}
