/** A command line that does what an endpoint does, with the built-in development key. */
import type { Method, Operation, Parameter } from '../openapi/openapi.ts'

export function curl(
  endpoint: { readonly method: Method; readonly path: string; readonly operation: Operation },
  parameters: readonly Parameter[],
): string {
  const { method, path, operation } = endpoint
  const filled = parameters.reduce(
    (url, { in: place, name, example }) => (place === 'path' ? url.replace(`{${name}}`, String(example)) : url),
    path,
  )
  const lines = [`curl http://127.0.0.1:8080${filled}`]
  if (method !== 'get') lines[0] = `curl -X ${method.toUpperCase()} http://127.0.0.1:8080${filled}`
  if (operation.security === undefined) lines.push("-H 'Authorization: Bearer demo-key'")
  for (const { in: place, name, example } of parameters) {
    if (place === 'header') lines.push(`-H '${name}: ${String(example)}'`)
  }
  const body = Object.values(operation.requestBody?.content['application/json']?.examples ?? {})[0]
  if (body !== undefined) lines.push("-H 'Content-Type: application/json'", `-d '${JSON.stringify(body.value)}'`)
  return lines.join(' \\\n  ')
}
