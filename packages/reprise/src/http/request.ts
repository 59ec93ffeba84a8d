/**
 * A request as the pipeline sees it. Adapters translate their framework's request into this; it is smaller than the
 * Fetch API's Request, because building one of those for every arrival costs as much as all the rest.
 */

export interface RequestHeaders {
  /** The value of a field, several lines joined with ", " (RFC 9110 §5.3); `null` where there is none. */
  get(name: string): string | null
  /** The lines of a field one by one, as they came. Repeated lines must not be joined: a key would hide in them. */
  lines(name: string): readonly string[]
}

export type RequestBody =
  /** The bytes as they came, before any content coding was undone. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** A parser ran before us and the bytes are gone: what it made of them. */
  | { readonly kind: 'parsed'; readonly value: unknown }
  | { readonly kind: 'too-large' }
  /** The connection ended, or the framing broke, before the body was complete. */
  | { readonly kind: 'incomplete' }

export interface HttpRequest {
  /** As sent: `POST`, not `post`. */
  readonly method: string
  /** Path and query as the client sent them, whatever router the application has mounted in between. */
  readonly target: string
  readonly headers: RequestHeaders
  /** The framework's own request, for a `principal` function that needs what an earlier middleware put there. */
  readonly native: unknown
  /** Reads the body once, and leaves it readable for the handler. */
  body(limitBytes: number): RequestBody | Promise<RequestBody>
}
