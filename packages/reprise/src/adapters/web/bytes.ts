/** Reads streams of bytes under a cap. */

/** The bytes of the stream; `undefined`, and the stream is cancelled, where there are more than `limitBytes`. */
export async function readStream(
  stream: ReadableStream<Uint8Array>,
  limitBytes: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const reader = stream.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    chunks.push(value)
    size += value.byteLength
    if (size > limitBytes) {
      // What the source makes of the cancellation is of no interest, and it may take its time.
      reader.cancel().catch(() => undefined)
      return undefined
    }
  }
  const bytes = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.byteLength
  }
  return bytes
}
