/** What the adapter suite asks a framework to serve. A binding of a framework is one function, `mount`. */

import type { Attempt, HttpResponse, Reprise, RouteOptions } from 'reprise'
import { reply } from 'reprise'

/**
 * A server to start. Under each of `prefixes`, the same handler answers every method at `<prefix>/orders`, behind
 * `idempotent(reprise, options)`; a framework with routers mounts one router under both. In front of it, a middleware
 * sets `x-around: yes` on every response, as CORS would set its headers.
 */
export interface Site {
  /** `middleware`: the handler writes its response. `outcome`: it returns `outcomeOf(ending)`. */
  readonly style: Style
  readonly prefixes: readonly string[]
  readonly reprise: Reprise
  readonly options: RouteOptions
  /** Where the framework's usual compression stands, for clients that accept gzip: around the protection, or inside. */
  readonly compression: 'none' | 'around' | 'inside'
  /** Whether the JSON body is parsed before the protection or after it, where the framework leaves the choice. */
  readonly parsing: 'before' | 'after'
  /** `twice`: the same protection stands in front of the handler two times. */
  readonly protection: 'once' | 'twice'
  /** What the handler does before it answers. Where it throws, the handler throws the same. */
  handle(call: Call): Promise<Ending>
}

export type Style = 'middleware' | 'outcome'

/** The request as the handler has it. */
export interface Call {
  /** From `attemptOf`, or the first argument of an outcome handler. */
  readonly attempt: Attempt | undefined
  /** The JSON body as the framework parses it for its handlers; the very object, which the suite may change. */
  readonly body: unknown
}

/** How the handler answers, in the framework's own words. All have the headers of `headers`. */
export type Ending = { readonly status: number; readonly headers?: Readonly<Record<string, string>> } & (
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'text'; readonly text: string }
  /** No body and no type: `res.status(204).end()`. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly type: string }
  | { readonly kind: 'redirect'; readonly location: string }
  /** JSON, with one Set-Cookie line for each of `cookies`. */
  | { readonly kind: 'cookies'; readonly cookies: readonly string[]; readonly value: unknown }
  /** Written one by one, then ended. */
  | { readonly kind: 'chunks'; readonly chunks: readonly Uint8Array[]; readonly type: string }
  /** A stream of them, piped or handed to the framework. */
  | { readonly kind: 'stream'; readonly chunks: readonly Uint8Array[]; readonly type: string }
  /** `sendFile`, or what comes nearest. */
  | { readonly kind: 'file'; readonly path: string; readonly type: string }
  /** An event stream that sends one event and stays open until the client or the framework closes it. */
  | { readonly kind: 'events' }
  /** Writes the chunk and then fails, as a stream that breaks. */
  | { readonly kind: 'broken'; readonly chunk: Uint8Array; readonly type: string }
)

/** A server that listens on the loopback interface. `close` also ends the connections that are open. */
export interface Mounted {
  readonly url: string
  close(): Promise<void>
}

/** Starts a server. Called once for each check; checks may run side by side. */
export type Mount = (site: Site) => Promise<Mounted>

/** What an outcome handler returns for an ending. The suite asks outcome handlers for no other kinds. */
export function outcomeOf(ending: Ending): HttpResponse {
  const { status, headers = {} } = ending
  switch (ending.kind) {
    case 'json':
      return reply(status, jsonBytes(ending.value), { 'content-type': 'application/json', ...headers })
    case 'text':
      return reply(status, ending.text, headers)
    case 'empty':
      return reply(status, undefined, headers)
    case 'bytes':
      return reply(status, ending.bytes, { 'content-type': ending.type, ...headers })
    case 'redirect':
      return reply(status, undefined, { location: ending.location, ...headers })
    case 'cookies': {
      const made = outcomeOf({ ...ending, kind: 'json' })
      return { ...made, headers: [...made.headers, ...ending.cookies.map((cookie) => ['set-cookie', cookie] as const)] }
    }
    case 'chunks':
    case 'stream':
    case 'file':
    case 'events':
    case 'broken':
      throw new TypeError(`An outcome handler does not answer with ${ending.kind}.`)
  }
}

function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}
